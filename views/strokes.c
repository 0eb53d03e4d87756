#include "views/strokes.h"

#include <stddef.h>

/* Wide enough that neighbours do not touch: the pen adds 0.72 of it. */
#define SIDE_BEARINGS 1.7

enum { FIRST = ' ', LAST = '~' };

static const char *const ascii[LAST - FIRST + 1] = {
    [' ' - FIRST] = "",
    ['!' - FIRST] = "0804 0202",
    ['"' - FIRST] = "0806 1816",
    ['#' - FIRST] = "1218 3238 0444 0646",
    ['$' - FIRST] = "473818070615354443321203 2921",
    ['%' - FIRST] = "0248 0818170708 3343423233",
    ['&' - FIRST] = "4216172837360403122244",
    ['\'' - FIRST] = "0806",
    ['(' - FIRST] = "19070311",
    [')' - FIRST] = "09171301",
    ['*' - FIRST] = "1814 0725 0527",
    ['+' - FIRST] = "2327 0545",
    [',' - FIRST] = "1201",
    ['-' - FIRST] = "0525",
    ['.' - FIRST] = "0202",
    ['/' - FIRST] = "0128",
    ['0' - FIRST] = "180703122233372818",
    ['1' - FIRST] = "172822 1232",
    ['2' - FIRST] = "07182837360232",
    ['3' - FIRST] = "0718283736253433221203 1525",
    ['4' - FIRST] = "22280434",
    ['5' - FIRST] = "3808052534332202",
    ['6' - FIRST] = "372818070312223334251504",
    ['7' - FIRST] = "083812",
    ['8' - FIRST] = "15060718283736251504031222333425",
    ['9' - FIRST] = "031222333728180706152536",
    [':' - FIRST] = "0202 0505",
    [';' - FIRST] = "1515 1201",
    ['<' - FIRST] = "370533",
    ['=' - FIRST] = "0434 0636",
    ['>' - FIRST] = "073503",
    ['?' - FIRST] = "071828373614 1212",
    ['@' - FIRST] = "4212030718384744343626152434",
    ['A' - FIRST] = "022842 1434",
    ['B' - FIRST] = "02082837362505 253544433202",
    ['C' - FIRST] = "4738180703123243",
    ['D' - FIRST] = "02082846442202",
    ['E' - FIRST] = "48080242 0535",
    ['F' - FIRST] = "480802 0535",
    ['G' - FIRST] = "47381807031232434525",
    ['H' - FIRST] = "0208 4248 0545",
    ['I' - FIRST] = "0828 1812 0222",
    ['J' - FIRST] = "3833221203",
    ['K' - FIRST] = "0208 4804 1542",
    ['L' - FIRST] = "080242",
    ['M' - FIRST] = "0208244842",
    ['N' - FIRST] = "02084248",
    ['O' - FIRST] = "180703123243473818",
    ['P' - FIRST] = "02083847463505",
    ['Q' - FIRST] = "180703123243473818 2441",
    ['R' - FIRST] = "02083847463505 2542",
    ['S' - FIRST] = "473818070615354443321203",
    ['T' - FIRST] = "0848 2822",
    ['U' - FIRST] = "080312324348",
    ['V' - FIRST] = "082248",
    ['W' - FIRST] = "0812263248",
    ['X' - FIRST] = "0842 0248",
    ['Y' - FIRST] = "082548 2522",
    ['Z' - FIRST] = "08480242",
    ['[' - FIRST] = "19090111",
    ['\\' - FIRST] = "0821",
    [']' - FIRST] = "09191101",
    ['^' - FIRST] = "061826",
    ['_' - FIRST] = "0141",
    ['`' - FIRST] = "0817",
    ['a' - FIRST] = "3632 3526160503122233",
    ['b' - FIRST] = "0802 0516263533221203",
    ['c' - FIRST] = "3526160503122233",
    ['d' - FIRST] = "3832 3526160503122233",
    ['e' - FIRST] = "04343526160503122233",
    ['f' - FIRST] = "281712 0626",
    ['g' - FIRST] = "3631201001 3526160503122233",
    ['h' - FIRST] = "0802 0516263532",
    ['i' - FIRST] = "0602 0808",
    ['j' - FIRST] = "161100 1818",
    ['k' - FIRST] = "0802 3603 1432",
    ['l' - FIRST] = "0802",
    ['m' - FIRST] = "0602 05162522 25364542",
    ['n' - FIRST] = "0602 0516263532",
    ['o' - FIRST] = "160503122233352616",
    ['p' - FIRST] = "0600 0516263533221203",
    ['q' - FIRST] = "3630 3526160503122233",
    ['r' - FIRST] = "0602 051626",
    ['s' - FIRST] = "3616051424332202",
    ['t' - FIRST] = "181322 0626",
    ['u' - FIRST] = "0603122233 3632",
    ['v' - FIRST] = "062246",
    ['w' - FIRST] = "0612253246",
    ['x' - FIRST] = "0632 0236",
    ['y' - FIRST] = "0622 462210",
    ['z' - FIRST] = "06360232",
    ['{' - FIRST] = "29181605141221",
    ['|' - FIRST] = "0901",
    ['}' - FIRST] = "09181625141201",
    ['~' - FIRST] = "05162536",
};

/* Signs that the program itself writes into figures. */
static const struct {
    uint32_t codepoint;
    const char *strokes;
} others[] = {
    {0xb7, "0505"},             /* middle dot */
    {0xd7, "0337 0733"},        /* times */
    {0x2013, "0545"},           /* en dash */
    {0x2026, "0202 2222 4242"}, /* ellipsis */
    {0x21b5, "474404 260422"},  /* end of line */
};

static const char *find(uint32_t codepoint)
{
    if (codepoint >= FIRST && codepoint <= LAST)
        return ascii[codepoint - FIRST];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].codepoint == codepoint)
            return others[i].strokes;
    return NULL;
}

const char *strokes_of(uint32_t codepoint, double *advance)
{
    const char *strokes = find(codepoint);
    if (!strokes)
        return NULL;
    int widest = 0;
    for (const char *p = strokes; *p; p += *p == ' ' ? 1 : 2)
        if (*p != ' ' && *p - '0' > widest)
            widest = *p - '0';
    *advance = codepoint == ' ' ? 2.6 : widest + SIDE_BEARINGS;
    return strokes;
}
