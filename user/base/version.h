/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place where the version is written.
 */
#ifndef VERSION_H
#define VERSION_H

#define GMEM_VERSION "0.1"

#endif
