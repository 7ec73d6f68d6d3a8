/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has changed in a history, for people and for programs.
 */
#ifndef REPORT_TREND_H
#define REPORT_TREND_H

#include "base/text_style.h"
#include "trend.h"

/* Each writes @trend to @out. 0 or -ENOMEM; errors of @out are left to the caller. */
int report_trend_text(FILE *out, const struct trend *trend, const struct text_style *style);
int report_trend_json(FILE *out, const struct trend *trend);

#endif
