// SPDX-License-Identifier: GPL-2.0-only
/*
 * user/schema.json inside the binary, so that the tool can print the schema of what it writes.
 * Built from the top of the tree, and again when schema.json changes.
 */
#include "report.h"

__asm__(".pushsection .rodata\n"
	".global report_json_schema\n"
	".type report_json_schema, %object\n"
	"report_json_schema:\n"
	".incbin \"user/schema.json\"\n"
	".byte 0\n"
	".size report_json_schema, . - report_json_schema\n"
	".popsection\n");
