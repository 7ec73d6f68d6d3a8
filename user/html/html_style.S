/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * html_style.css (html.c) inside the binary: a page has it in itself. Assembled from the top of the
 * tree, and again when it changes.
 */
	.section .rodata
	.global html_style
	.type html_style, %object
html_style:
	.incbin "user/html/html_style.css"
	.byte 0
	.size html_style, . - html_style
	.section .note.GNU-stack, "", %progbits
