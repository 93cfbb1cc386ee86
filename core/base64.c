/* SPDX-License-Identifier: MIT */
#include "base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

uint64_t moon_base64_encode(const char *bytes, uint64_t length, char *text)
{
    uint64_t written = 0;
    uint32_t held = 0, bits = 0;
    for (uint64_t i = 0; i < length; i++) {
        held = held << 8 | (uint8_t)bytes[i];
        for (bits += 8; bits >= 6; bits -= 6) {
            text[written++] = alphabet[held >> (bits - 6) & 63];
        }
    }
    if (bits > 0) {
        text[written++] = alphabet[held << (6 - bits) & 63];
    }
    return written;
}

/* -1: none. */
static int digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : -1;
}

int64_t moon_base64_decode(const char *text, uint64_t length, char *bytes)
{
    int64_t written = 0;
    uint32_t held = 0, bits = 0;
    for (uint64_t i = 0; i < length; i++) {
        int value = digit(text[i]);
        if (value < 0) {
            return -1;
        }
        held = held << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[written++] = (char)(held >> bits);
            held &= (1U << bits) - 1;
        }
    }
    /* Six bits are a digit too many; those left over are zero in the one spelling. */
    return bits >= 6 || held != 0 ? -1 : written;
}
