/* SPDX-License-Identifier: MIT */
#include "symbols.h"
#include "../core/mem.h"
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_SECTIONS = 256,
    MAX_TABLE_BYTES = 64 << 20,
};

struct moon_symbols {
    Elf64_Sym *table; /* functions only, by their address */
    uint64_t count;
    char *names;
    uint64_t names_bytes;
};

/* A part of the file; NULL when it is not there. The caller frees it. */
static void *read_part(FILE *file, uint64_t offset, uint64_t bytes)
{
    if (bytes == 0 || bytes > MAX_TABLE_BYTES ||
        fseek(file, (long)offset, SEEK_SET) != 0) {
        return NULL;
    }
    char *part = moon_alloc(bytes + 1); /* ended by NUL, whatever the file says */
    if (fread(part, 1, bytes, file) != bytes) {
        moon_free(part);
        return NULL;
    }
    return part;
}

static int by_address(const void *left, const void *right)
{
    const Elf64_Sym *a = left, *b = right;
    return (a->st_value > b->st_value) - (a->st_value < b->st_value);
}

static void keep_functions(struct moon_symbols *symbols)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < symbols->count; i++) {
        const Elf64_Sym *each = &symbols->table[i];
        if (ELF64_ST_TYPE(each->st_info) == STT_FUNC && each->st_value != 0 &&
            each->st_name < symbols->names_bytes) {
            symbols->table[kept++] = *each;
        }
    }
    symbols->count = kept;
    qsort(symbols->table, kept, sizeof *symbols->table, by_address);
}

static void read_table(struct moon_symbols *symbols, FILE *file,
                       const Elf64_Shdr *sections, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const Elf64_Shdr *each = &sections[i];
        if (each->sh_type != SHT_SYMTAB || each->sh_link >= count) {
            continue;
        }
        const Elf64_Shdr *names = &sections[each->sh_link];
        symbols->table = read_part(file, each->sh_offset, each->sh_size);
        symbols->names = read_part(file, names->sh_offset, names->sh_size);
        if (symbols->table != NULL && symbols->names != NULL) {
            symbols->count = each->sh_size / sizeof *symbols->table;
            symbols->names_bytes = names->sh_size;
            keep_functions(symbols);
        }
        return;
    }
}

static bool is_known(const Elf64_Ehdr *head)
{
    return head->e_ident[EI_MAG0] == ELFMAG0 && head->e_ident[EI_MAG1] == ELFMAG1 &&
           head->e_ident[EI_MAG2] == ELFMAG2 && head->e_ident[EI_MAG3] == ELFMAG3 &&
           head->e_ident[EI_CLASS] == ELFCLASS64 &&
           head->e_shentsize == sizeof(Elf64_Shdr) && head->e_shnum <= MAX_SECTIONS;
}

struct moon_symbols *moon_symbols_read(const char *path)
{
    struct moon_symbols *symbols = moon_alloc(sizeof *symbols);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return symbols;
    }
    Elf64_Ehdr head;
    if (fread(&head, sizeof head, 1, file) == 1 && is_known(&head)) {
        Elf64_Shdr *sections =
            read_part(file, head.e_shoff, head.e_shnum * sizeof(Elf64_Shdr));
        if (sections != NULL) {
            read_table(symbols, file, sections, head.e_shnum);
        }
        moon_free(sections);
    }
    (void)fclose(file);
    return symbols;
}

void moon_symbols_destroy(struct moon_symbols *symbols)
{
    if (symbols != NULL) {
        moon_free(symbols->table);
        moon_free(symbols->names);
    }
    moon_free(symbols);
}

const char *moon_symbols_find(const struct moon_symbols *symbols, uint64_t offset)
{
    uint64_t low = 0, high = symbols->count; /* the first that begins behind it */
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (symbols->table[middle].st_value <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const Elf64_Sym *found = low == 0 ? NULL : &symbols->table[low - 1];
    bool is_inside = found != NULL && offset - found->st_value < found->st_size;
    return is_inside ? symbols->names + found->st_name : NULL;
}
