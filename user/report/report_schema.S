/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_schema.json (report.h) inside the binary, so that the tool can print the schema of what it writes.
 * Assembled from the top of the tree, and again when it changes.
 */
	.section .rodata
	.global report_json_schema
	.type report_json_schema, %object
report_json_schema:
	.incbin "user/report/report_schema.json"
	.byte 0
	.size report_json_schema, . - report_json_schema
	.section .note.GNU-stack, "", %progbits
