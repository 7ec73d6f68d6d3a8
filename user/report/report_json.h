/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the JSON of captures and of inventories has of the model. Private to report_json*.c.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <jansson.h>
#include "model/capture.h"

/* Each is NULL when out of memory. @counts: those of them that the report is about. */
json_t *json_events(const struct capture *capture, const struct event_counts *counts);
json_t *json_vms(const struct capture *capture);
json_t *json_gmems(const struct capture *capture);
json_t *json_past(const struct capture *capture);

#endif
