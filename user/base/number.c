// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rounding numbers to a unit. All integer arithmetic but the rates, so that the largest values
 * come out as right as the small ones.
 */
#include <stdio.h>
#include <string.h>
#include "number.h"

/* A series of units, each @base times the one before. */
struct unit_series {
	unsigned int base;
	unsigned int tenths_below; /* values below this many units get one decimal */
	bool whole_is_bare; /* 4KiB rather than 4.0KiB */
	const char *units[8]; /* ends with NULL */
};

/* @v / @by, rounded half up. */
static __u64 divide(__u64 v, __u64 by)
{
	__u64 rest = v % by;

	return v / by + (rest >= by - rest);
}

static const char *format_series(char *buf, __u64 v, const struct unit_series *series)
{
	__u64 unit = 1, whole = v, tenths;
	int i = 0;

	/* What rounds up to the next unit belongs there: 999.6 µs is 1.0 ms. */
	while (whole >= series->base && series->units[i + 1]) {
		unit *= series->base;
		whole = divide(v, unit);
		i++;
	}
	tenths = v / unit * 10 + divide(v % unit * 10, unit);
	if (unit == 1 || tenths >= series->tenths_below * 10ULL ||
	    (series->whole_is_bare && v % unit == 0))
		snprintf(buf, NUMBER_LEN, "%llu%s", whole, series->units[i]);
	else
		snprintf(buf, NUMBER_LEN, "%llu.%llu%s", tenths / 10, tenths % 10,
			 series->units[i]);
	return buf;
}

double number_ns_of(const char *unit)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3 }, { "\u00b5s", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].ns;
	return 0;
}

const char *number_latency(char *buf, __u64 ns, bool utf8)
{
	static const struct unit_series series[] = {
		{ 1000, 10, false, { "ns", "us", "ms", "s" } },
		{ 1000, 10, false, { "ns", "\u00b5s", "ms", "s" } },
	};

	return format_series(buf, ns, &series[utf8]);
}

const char *number_short(char *buf, __u64 n)
{
	static const struct unit_series series = {
		1000, 100, false, { "", "k", "M", "G", "T", "P", "E" }
	};

	return format_series(buf, n, &series);
}

const char *number_bytes(char *buf, __u64 bytes)
{
	static const struct unit_series series = {
		1024, 100, true, { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" }
	};

	return format_series(buf, bytes, &series);
}

const char *number_per_second(char *buf, double rate)
{
	if (rate <= 0)
		snprintf(buf, NUMBER_LEN, "0");
	else if (rate < 0.005)
		snprintf(buf, NUMBER_LEN, "<0.01");
	else if (rate < 9.995)
		snprintf(buf, NUMBER_LEN, "%.2f", rate);
	else if (rate < 99.95)
		snprintf(buf, NUMBER_LEN, "%.1f", rate);
	else if (rate < 1e19)
		number_short(buf, (__u64)(rate + 0.5));
	else
		snprintf(buf, NUMBER_LEN, ">10E");
	return buf;
}

const char *number_rate(char *buf, __u64 count, __u64 duration_ns)
{
	if (duration_ns)
		return number_per_second(buf, (double)count * 1e9 / (double)duration_ns);
	snprintf(buf, NUMBER_LEN, "-");
	return buf;
}
