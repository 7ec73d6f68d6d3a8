/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the JSON of captures and of inventories has of the model. Private to report_json*.c.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "base/json_out.h"
#include "model/capture.h"
#include "report_bindings.h"

/* Each a member of the object at hand: "events", those of @counts that the report is about, ... */
void json_put_events(struct json_out *json, const struct capture *capture,
		     const struct event_counts *counts);
void json_put_vms(struct json_out *json, const struct capture *capture);
void json_put_gmems(struct json_out *json, const struct capture *capture,
		    const struct bindings *bindings);
void json_put_past(struct json_out *json, const struct capture *capture);

#endif
