/* SPDX-License-Identifier: GPL-2.0-only */
/* The same for export_schema.json (export.h). */
	.section .rodata
	.global export_json_schema
	.type export_json_schema, %object
export_json_schema:
	.incbin "user/export/export_schema.json"
	.byte 0
	.size export_json_schema, . - export_json_schema
	.section .note.GNU-stack, "", %progbits
