#include "views/colormap.h"

#include <math.h>
#include <string.h>
#include <strings.h>

const char *const color_map_name[MAP_ALL] = {"viridis", "cividis", "magma",
                                             "gray",    "vik",     "rdbu"};

struct stop {
    int level;
    uint32_t rgb;
};

static const struct stop viridis[] = {
    {0, 0x440154},   {20, 0x481d6f},  {35, 0x46307e},  {59, 0x3d4d8a},  {93, 0x2d708e},
    {132, 0x1f948c}, {147, 0x1fa287}, {162, 0x2ab07f}, {179, 0x44bf70}, {198, 0x6ccd5a},
    {223, 0xaadc32}, {237, 0xd0e11c}, {244, 0xe2e418}, {253, 0xf8e621}, {255, 0xfde725},
};

static const struct stop cividis[] = {
    {0, 0x00224e},   {8, 0x00285b},   {16, 0x002e6a},  {19, 0x00306f},  {21, 0x003170},
    {23, 0x013271},  {26, 0x0c3470},  {32, 0x1a386f},  {40, 0x273e6e},  {51, 0x35456c},
    {64, 0x434e6c},  {77, 0x50576c},  {102, 0x666970}, {116, 0x727374}, {124, 0x797977},
    {128, 0x7d7c78}, {136, 0x848279}, {153, 0x948e77}, {178, 0xada272}, {192, 0xbcae6c},
    {204, 0xc8b866}, {216, 0xd5c25e}, {228, 0xe2cd54}, {238, 0xeed649}, {245, 0xf6dd3f},
    {251, 0xfde334}, {255, 0xfee838},
};

static const struct stop magma[] = {
    {0, 0x000004},   {7, 0x03030f},   {20, 0x0e0b2b},  {38, 0x251255},
    {48, 0x36106b},  {58, 0x471078},  {75, 0x621980},  {105, 0x912b81},
    {133, 0xbf3a77}, {153, 0xde4968}, {170, 0xf1605d}, {185, 0xf97b5d},
    {199, 0xfd9668}, {218, 0xfeb97f}, {245, 0xfdebac}, {255, 0xfcfdbf},
};

static const struct stop gray[] = {{0, 0xffffff}, {255, 0x000000}};

static const struct stop vik[] = {
    {0, 0x001261},   {28, 0x033e7d},  {57, 0x1e6f9d},  {85, 0x71a8c4},
    {113, 0xc9dde7}, {128, 0xece5e0}, {142, 0xeacebd}, {170, 0xd39774},
    {198, 0xbe6533}, {227, 0x8b2706}, {255, 0x590008},
};

static const struct stop rdbu[] = {
    {0, 0x053061},   {26, 0x2166ac},  {51, 0x4393c3},  {77, 0x92c5de},
    {102, 0xd1e5f0}, {128, 0xf7f7f7}, {153, 0xfddbc7}, {179, 0xf4a582},
    {204, 0xd6604d}, {230, 0xb2182b}, {255, 0x67001f},
};

static const struct stop *const stops_of[MAP_ALL] = {viridis, cividis, magma,
                                                     gray,    vik,     rdbu};

static uint32_t channel_mix(uint32_t a, uint32_t b, double weight, int shift)
{
    double high = (double)(a >> shift & 0xff), low = (double)(b >> shift & 0xff);
    return (uint32_t)lround(weight * high + (1 - weight) * low) << shift;
}

uint32_t color_mix(uint32_t a, uint32_t b, double weight)
{
    return channel_mix(a, b, weight, 16) | channel_mix(a, b, weight, 8) |
           channel_mix(a, b, weight, 0);
}

uint32_t colormap_rgb(enum color_map map, int level)
{
    const struct stop *stop = stops_of[map];
    level = level < 0 ? 0 : level > 255 ? 255 : level;
    while (stop[1].level < level)
        stop++;
    double weight = (double)(level - stop[0].level) / (stop[1].level - stop[0].level);
    return color_mix(stop[1].rgb, stop[0].rgb, weight);
}

bool colormap_parse(const char *name, enum color_map *map, bool *rainbow)
{
    static const char *const refused[] = {"jet", "hsv", "rainbow", "turbo", "spectral"};
    if (rainbow)
        *rainbow = false;
    for (int i = 0; i < MAP_ALL; i++) {
        if (strcasecmp(name, color_map_name[i]) == 0) {
            *map = (enum color_map)i;
            return true;
        }
    }
    for (size_t i = 0; rainbow && i < sizeof refused / sizeof *refused; i++)
        *rainbow = *rainbow || strcasecmp(name, refused[i]) == 0;
    return false;
}

static double linear_light(uint32_t rgb, int shift)
{
    double c = (double)(rgb >> shift & 0xff) / 255;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

double color_luminance(uint32_t rgb)
{
    return 0.2126 * linear_light(rgb, 16) + 0.7152 * linear_light(rgb, 8) +
           0.0722 * linear_light(rgb, 0);
}

double color_contrast(uint32_t a, uint32_t b)
{
    double light = color_luminance(a), dark = color_luminance(b);
    return (fmax(light, dark) + 0.05) / (fmin(light, dark) + 0.05);
}

uint32_t color_ink(uint32_t background)
{
    return color_luminance(background) > 0.179 ? 0x000000 : 0xffffff;
}
