#include "views/theme.h"

#include <stdlib.h>

#include "views/colormap.h"

enum accent {
    ACCENT_NONE,
    ACCENT_GRAY,
    ACCENT_BLUE,
    ACCENT_ORANGE,
    ACCENT_RED,
    ACCENT_PURPLE,
    ACCENT_COUNT
};

/* For a light, a dark and an unknown background. Between black and white there is
 * just room for a contrast of 4.5 to both: a luminance of 0.175 to 0.183. */
struct accent_colors {
    uint32_t rgb[3];
    uint8_t fixed[3]; /* of the 256 */
    uint8_t user[3];  /* of the user's 16; 255: the default colour */
};
enum { NO_COLOR = 255, RED = 1, BLUE = 4, PURPLE = 5, CYAN = 6 };
#define NO_COLORS {NO_COLOR, NO_COLOR, NO_COLOR}

static const struct accent_colors accents[ACCENT_COUNT] = {
    [ACCENT_GRAY] = {{0x767676, 0x5f5f5f, 0x9e9e9e}, {243, 59, 247}, NO_COLORS},
    [ACCENT_BLUE] = {{0x0675e3, 0x005faf, 0x5fafff}, {63, 25, 75},
                     {CYAN, BLUE, CYAN}}, /* cyan cannot be read on white */
    [ACCENT_ORANGE] = {{0xba5d00, 0x875f00, 0xffaf00}, {131, 94, 214}, NO_COLORS},
    [ACCENT_RED] = {{0xe2300c, 0xaf0000, 0xff8787}, {163, 124, 210}, {RED, RED, RED}},
    [ACCENT_PURPLE] = {{0xcd35a7, 0x870087, 0xd787ff}, {98, 90, 177},
                       {PURPLE, PURPLE, PURPLE}},
};

struct role_look {
    enum accent accent;
    unsigned attr;
};

static const struct role_look looks[ROLE_COUNT] = {
    [ROLE_DIM] = {ACCENT_GRAY, 0},
    [ROLE_TITLE_ACTIVE] = {ACCENT_BLUE, ATTR_BOLD},
    [ROLE_HEADING_FOCUS] = {ACCENT_BLUE, ATTR_BOLD},
    [ROLE_FRAME] = {ACCENT_GRAY, 0},
    [ROLE_LABEL] = {ACCENT_GRAY, 0},
    [ROLE_PROMPT] = {ACCENT_BLUE, ATTR_BOLD},
    [ROLE_CURSOR] = {ACCENT_NONE, ATTR_BOLD | ATTR_REVERSE},
    [ROLE_LOCK] = {ACCENT_PURPLE, ATTR_BOLD | ATTR_UNDERLINE},
    [ROLE_MARK] = {ACCENT_ORANGE, 0},
    [ROLE_GOOD] = {ACCENT_BLUE, 0},
    [ROLE_WARN] = {ACCENT_ORANGE, ATTR_BOLD},
    [ROLE_ERROR] = {ACCENT_RED, ATTR_BOLD},
    [ROLE_ADDED] = {ACCENT_BLUE, ATTR_UNDERLINE},
    [ROLE_REMOVED] = {ACCENT_ORANGE, ATTR_STRIKE},
    [ROLE_KEY] = {ACCENT_NONE, ATTR_BOLD},
};

uint32_t theme_rgb_of_256(int index)
{
    static const uint8_t step[6] = {0, 95, 135, 175, 215, 255};
    if (index >= 232) {
        uint32_t level = 8 + 10 * (uint32_t)(index - 232);
        return level << 16 | level << 8 | level;
    }
    int cube = index - 16;
    return (uint32_t)step[cube / 36] << 16 | (uint32_t)step[cube / 6 % 6] << 8 |
           step[cube % 6];
}

static int distance(uint32_t a, uint32_t b)
{
    int sum = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        int d = (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
        sum += d * d;
    }
    return sum;
}

static int nearest_step(int channel)
{
    return channel < 48 ? 0 : channel < 115 ? 1 : (channel - 35) / 40;
}

int theme_nearest_256(uint32_t rgb)
{
    int red = (int)(rgb >> 16 & 0xff), green = (int)(rgb >> 8 & 0xff),
        blue = (int)(rgb & 0xff);
    int cube = 16 + 36 * nearest_step(red) + 6 * nearest_step(green) + nearest_step(blue);
    int level = (red + green + blue) / 3;
    int gray = 232 + (level < 8 ? 0 : level > 238 ? 23 : (level - 3) / 10);
    bool cube_wins =
        distance(theme_rgb_of_256(cube), rgb) <= distance(theme_rgb_of_256(gray), rgb);
    return cube_wins ? cube : gray;
}

static uint32_t accent_color(const struct display *display, enum accent accent)
{
    static const int column[] = {
        [THEME_DEFAULT] = 0, [THEME_LIGHT] = 1, [THEME_DARK] = 2};
    const struct accent_colors *colors = &accents[accent];
    int theme = column[display->theme];
    if (accent == ACCENT_NONE || display->depth == DEPTH_MONO)
        return THEME_DEFAULT_COLOR;
    if (display->depth == DEPTH_TRUE)
        return colors->rgb[theme];
    if (display->depth == DEPTH_256)
        return THEME_PALETTE | colors->fixed[theme];
    uint8_t user = colors->user[theme];
    return user == NO_COLOR ? THEME_DEFAULT_COLOR : THEME_PALETTE | user;
}

static uint32_t heat_color(const struct display *display, uint32_t rgb)
{
    if (rgb == COLOR_NONE || !display_has_heat_colors(display))
        return THEME_DEFAULT_COLOR;
    return display->depth == DEPTH_TRUE
               ? rgb
               : THEME_PALETTE | (uint32_t)theme_nearest_256(rgb);
}

struct theme_style theme_resolve(const struct display *display,
                                 const struct canvas_cell *cell)
{
    const struct role_look *look = &looks[cell->role];
    struct theme_style style = {heat_color(display, cell->foreground),
                                heat_color(display, cell->background),
                                cell->attr | look->attr};
    if (cell->foreground == COLOR_NONE)
        style.foreground = accent_color(display, look->accent);
    /* The cursor is what a terminal of 16 colours marks by colour as well. */
    if (display->depth == DEPTH_16 && cell->role == ROLE_CURSOR)
        style.foreground = accent_color(display, ACCENT_BLUE);
    return style;
}
