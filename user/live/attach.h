/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From rungs to attached programs. A rung counts as usable only when all of its programs really load
 * and attach; when one does not, its ladder goes down a rung (or becomes unavailable) and everything
 * is tried again, so that what remains is one object in one piece.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include "object.h"

/*
 * Load and attach what is chosen, and leave in @choice what really is. 0, or a negative errno: then
 * nothing can be traced. The caller closes @object, also then.
 */
int attach_all(struct object *object, struct choice *choice);

#endif
