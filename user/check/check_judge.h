/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the values of one row to its verdict. Private to user/check/.
 */
#ifndef CHECK_JUDGE_H
#define CHECK_JUDGE_H

#include "check.h"
#include "check_splits.h"
#include "check_stats.h"

/* What all rows are judged by. */
struct levels {
	struct stats_ranks ranks;
	double tail; /* of each test: the chance that it calls a regression what is none */
	double tail_of_all; /* the same if all tests could reject */
	double miss; /* the chance that it calls fine what is beyond the limit */
	struct splits splits; /* made if a rule is about a distance */
	double *scratch; /* room() doubles */
	size_t *by_time; /* the runs of the base, then the new ones, as indices of all; oldest first */
};

/* All but the chances, which check_share_alpha() fills. 0 or -ENOMEM; levels_free() in any case. */
int levels_make(struct levels *levels, const struct check_input *input);
void levels_free(struct levels *levels);

/* Those of the base are the first. */
static inline const struct check_run *check_run_at(const struct check_input *input, size_t run)
{
	return run < input->nbase ? &input->base[run] : &input->new[run - input->nbase];
}

static inline __u64 check_start_of(const struct check_input *input, size_t run)
{
	return check_run_at(input, run)->capture->start_realtime_ns;
}

/* Each look has its share of alpha and of the chance of a miss. */
static inline double check_share_of_look(const struct check_input *input, double chance)
{
	return input->max_runs ? chance / CHECK_LOOKS : chance;
}

/* One that is as well two-sided, of distances, has half of it on each side. */
double check_tail(const struct check_row *row, double tail);

/* A last digit that got lost in a mean is no change. */
bool check_is_above(double value, double limit);

/* Its verdict is known before any value is looked at. */
static inline bool check_is_judged(const struct check_row *row)
{
	return row->reason[0];
}

/* Share alpha among the rows by METHOD_INTERVAL: fills the rest of @levels. 0 or -ENOMEM. */
int check_share_alpha(struct check_result *result, struct levels *levels);

/*
 * The smallest chance that @row could have at all, with its values on the sides that suit it best:
 * what is mostly the same in all runs cannot show much.
 */
double check_smallest_chance(const struct check_input *input, const struct check_row *row,
			     const struct levels *levels);

/* What the runs say of the change, as ratios of new to base. */
struct measure {
	double low; /* bounds */
	double change;
	double high;
	/* The same bounds if percentiles were exact. */
	double value_low;
	double value_high;
	/* METHOD_INTERVAL: with these values it could be a regression; if not, because of what is
	 * the same in many runs. */
	bool can_reject;
	bool is_tied;
	/* METHOD_MINIMA: how far the second smallest is from it, as a share; 0 for one run. */
	double base_apart;
	double new_apart;
};

/*
 * For a row whose sides are known; bounds are of no use for METHOD_ABSOLUTE. Fills change and power
 * of @row, too.
 */
struct measure check_measure(const struct check_input *input, struct check_row *row,
			     const struct levels *levels);

/*
 * Set the verdict and the reason of @row, which is fine so far. Of a relative rule both sides are
 * known, else the new one; @measure is for the first.
 */
void check_judge(const struct check_result *result, struct check_row *row,
		 const struct measure *measure);

/*
 * Of rows whose metric is a distance: each reads what it needs into row->shape. @by_time as in
 * levels, by which runs are counted here. 0 or -ENOMEM; check_shape_free() in any case.
 */
int check_shape_read(const struct check_input *input, struct check_row *row, const size_t *by_time);
void check_shape_free(struct check_row *row);

/* How far two runs are apart, as a ratio of latencies from 1 on: at least, about, at most. */
void check_shape_pair(const struct check_row *row, size_t base, size_t new, double *low,
		      double *value, double *high);

/* As check_smallest_chance(). */
double check_shape_smallest_chance(const struct check_row *row, const struct levels *levels);

/*
 * How far any two runs of one side are apart, in logarithms; with --paired, the differences of two
 * pairs, as if they had the noise of one run. Their number, at most as many as pairs of runs.
 */
size_t check_shape_apart(const struct check_input *input, const struct check_row *row,
			 double *apart);

/* As check_measure(), of METHOD_INTERVAL, bounds and all as ratios from 1 on. */
struct measure check_shape_measure(const struct check_input *input, const struct check_row *row,
				   const struct levels *levels);

/* How many doubles of scratch that takes. */
size_t check_shape_room(void);

void check_say(struct check_row *row, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* 1 << event: those that tell whether both sides did the same. */
__u64 check_work_events(void);

/* Of how the runs were made: warnings of the result, remarks of the rows. */
void check_design(struct check_result *result, const struct levels *levels);

/*
 * Of a time or a distance that is a regression: by how much each part of the distribution has moved.
 * 0 or -ENOMEM.
 */
int check_find_shifts(const struct check_input *input, struct check_row *row);

/* Add to what else to know of @row. */
void check_remark(struct check_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
