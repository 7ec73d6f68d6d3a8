/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * user/schema.json inside the binary (report.h), so that the tool can print the schema of what it
 * writes. Assembled from the top of the tree, and again when schema.json changes.
 */
	.section .rodata
	.global report_json_schema
	.type report_json_schema, %object
report_json_schema:
	.incbin "user/schema.json"
	.byte 0
	.size report_json_schema, . - report_json_schema
	.section .note.GNU-stack, "", %progbits
