/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * user/schema.json (report.h) and user/export_schema.json (export.h) inside the binary, so that the
 * tool can print the schema of what it writes. Assembled from the top of the tree, and again when
 * they change.
 */
	.section .rodata
	.global report_json_schema
	.type report_json_schema, %object
report_json_schema:
	.incbin "user/schema.json"
	.byte 0
	.size report_json_schema, . - report_json_schema
	.global export_json_schema
	.type export_json_schema, %object
export_json_schema:
	.incbin "user/export_schema.json"
	.byte 0
	.size export_json_schema, . - export_json_schema
	.section .note.GNU-stack, "", %progbits
