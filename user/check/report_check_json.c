// SPDX-License-Identifier: GPL-2.0-only
/*
 * A check as one JSON object on one line, in the shape that report_schema.json writes down.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include "base/json_node.h"
#include "base/json_text.h"
#include "base/version.h"
#include "report_check.h"

/* Anybody may have made up names of files, kernels and processes. */
static json_t *foreign(const char *s)
{
	return json_foreign(s, strlen(s));
}

static json_t *integer_or_null(size_t value)
{
	return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *real_or_null(bool known, double value)
{
	return known ? json_real(value) : json_null();
}

static json_t *json_values(const struct metric_value *values, size_t n)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < n; i++)
		node_add(&list,
			 real_or_null(!values[i].lack && !isnan(values[i].value), values[i].value));
	return node_done(&list);
}

static json_t *json_side(const struct check_side *side, const struct metric_value *values, size_t n)
{
	return json_pack("{s:o, s:o, s:o}", "value", real_or_null(side->known, side->value),
			 "spread", real_or_null(side->known, side->spread), "runs",
			 json_values(values, n));
}

/* What has no end is null. */
static json_t *json_change(const struct check_change *change)
{
	bool has_low = change->has_bounds && change->low > -1 && isfinite(change->low);
	bool has_high = change->has_bounds && isfinite(change->high);

	return json_pack("{s:o, s:o, s:o}", "value", real_or_null(change->known, change->value),
			 "low", real_or_null(has_low, change->low), "high",
			 real_or_null(has_high, change->high));
}

static json_t *json_power(const struct check_power *power)
{
	if (!power->known)
		return json_null();
	return json_pack("{s:f, s:o, s:o}", "noise", power->noise, "finds",
			 real_or_null(isfinite(power->finds), power->finds), "runs_needed",
			 integer_or_null(power->runs_needed));
}

static json_t *json_shifts(const struct check_shifts *shifts)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < NR_SHIFTS && shifts->known; i++)
		node_add(&list,
			 json_pack("{s:f, s:f}", "percentile", check_shift_per_mille[i] / 10.0,
				   "change", shifts->by[i]));
	return node_done(&list);
}

json_t *check_json_place(const struct place *place)
{
	bool in_vm = place->kind == PLACE_SLOT || place->kind == PLACE_VM;
	bool is_slot = place->kind == PLACE_SLOT;

	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind", place_kinds[place->kind], "comm",
			 in_vm ? foreign(place->comm) : json_null(), "nth",
			 in_vm ? json_integer(place->nth) : json_null(), "as_id",
			 is_slot ? json_integer(place->as_id) : json_null(), "id",
			 is_slot ? json_integer(place->id) : json_null());
}

static void put_rule(struct json_node *row, const struct check_input *input,
		     const struct rule *rule)
{
	node_put(row, "rule", json_string(rule->text));
	node_put(row, "metric", json_stringn(rule->text, rule->metric_len));
	node_put(row, "unit", json_string(metric_units[metric_unit(&rule->metric)]));
	node_put(row, "order", json_string(rule_order_sign(rule->order)));
	node_put(row, "relative", json_boolean(rule->relative));
	node_put(row, "limit", json_real(check_limit(input, rule)));
}

static json_t *json_row(const struct check_input *input, const struct check_row *row)
{
	struct json_node object = node_object();

	put_rule(&object, input, row->rule);
	node_put(&object, "place", check_json_place(row->place));
	node_put(&object, "method", json_string(check_methods[row->method]));
	node_put(&object, "base", json_side(&row->base, row->values, input->nbase));
	node_put(&object, "new", json_side(&row->new, row->values + input->nbase, input->nnew));
	node_put(&object, "change", json_change(&row->change));
	node_put(&object, "power", json_power(&row->power));
	node_put(&object, "shifts", json_shifts(&row->shifts));
	node_put(&object, "verdict", json_string(verdict_names[row->verdict]));
	node_put(&object, "reason", json_string(row->reason));
	node_put(&object, "remark", json_string(row->remark));
	return node_done(&object);
}

static json_t *json_runs(const struct check_run *runs, size_t n)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < n; i++) {
		struct json_node run = node_object();

		node_put(&run, "file", foreign(runs[i].name));
		node_put(&run, "kernel", foreign(runs[i].capture->kernel));
		node_put(&run, "start", json_time(runs[i].capture->start_realtime_ns));
		node_add(&list, node_done(&run));
	}
	return node_done(&list);
}

static json_t *json_rows(const struct check_result *result)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < result->nrows; i++)
		node_add(&list, json_row(result->input, &result->rows[i]));
	return node_done(&list);
}

static json_t *json_allowed(unsigned int allow)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < NR_OBSTACLES; i++)
		if (allow & 1U << i)
			node_add(&list, json_string(check_obstacles[i]));
	return node_done(&list);
}

static json_t *json_warnings(const struct check_result *result)
{
	struct json_node list = node_list();

	for (size_t i = 0; i < result->nwarnings; i++)
		node_add(&list, json_string(result->warnings[i]));
	return node_done(&list);
}

static void put_input(struct json_node *check, const struct check_input *input)
{
	node_put(check, "alpha", json_real(input->alpha));
	node_put(check, "miss", json_real(input->miss));
	node_put(check, "floor", json_real(input->floor));
	node_put(check, "per_slot", json_boolean(input->per_slot));
	node_put(check, "deterministic", json_boolean(input->deterministic));
	node_put(check, "paired", json_boolean(input->paired));
	node_put(check, "allowed", json_allowed(input->allow));
	node_put(check, "max_runs", integer_or_null(input->max_runs));
}

static json_t *json_check(const struct check_result *result)
{
	const struct check_input *input = result->input;
	struct json_node check = node_object();

	node_put(&check, "label", json_foreign_or_null(input->label));
	node_put(&check, "verdict", json_string(verdict_names[result->verdict]));
	node_put(&check, "exit_status", json_integer(check_exit_status(result)));
	put_input(&check, input);
	node_put(&check, "tests", json_integer((json_int_t)result->ntests));
	node_put(&check, "family", json_integer((json_int_t)result->nfamily));
	node_put(&check, "runs_needed", integer_or_null(result->runs_needed));
	node_put(&check, "warnings", json_warnings(result));
	node_put(&check, "base", json_runs(input->base, input->nbase));
	node_put(&check, "new", json_runs(input->new, input->nnew));
	node_put(&check, "results", json_rows(result));
	return node_done(&check);
}

int report_check_json(FILE *out, const struct check_result *result, const struct text_style *style)
{
	json_t *json = json_pack("{s:{s:s, s:s}, s:o}", "tool", "name", "gmemtrace", "version",
				 GMEM_VERSION, "check", json_check(result));
	int err = json && !json_text_write(out, json) ? 0 : -ENOMEM;

	(void)style;
	json_decref(json);
	fputc('\n', out);
	return ferror(out) ? 0 : err;
}
