/* symbols.h - the names of C functions by their address: of an ELF file's own table,
 * which has the functions that are not exported, too.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

struct moon_symbols;

/* Reads the table of a file. One that cannot be read, or is stripped, has no names. */
struct moon_symbols *moon_symbols_read(const char *path);

/* NULL is fine. */
void moon_symbols_destroy(struct moon_symbols *symbols);

/* The function at this offset from where the file is loaded; NULL: not known. Borrowed
 * from the table. */
const char *moon_symbols_find(const struct moon_symbols *symbols, uint64_t offset);
