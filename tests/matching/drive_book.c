/* Drives the book through docs/spec/provenue_book.h alone: what an outside harness does.
 *
 * drive() runs a stream in batches and folds every byte of every report into a number, which the
 * test compares with what Python folds of the kernel's reports. */
#include <stdlib.h>
#include "provenue_book.h"

_Static_assert(sizeof(pb_message) == 24, "a message is 24 bytes");
_Static_assert(sizeof(pb_report) == 40, "a report is 40 bytes");

typedef struct {
    int64_t orders, pages, ids, price_bits;
} limits;

static uint64_t fold(uint64_t hash, const unsigned char *bytes, int64_t count) {
    for (int64_t i = 0; i < count; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

int64_t drive(pb_bytes_fn bytes_of, pb_open_fn open, pb_run_fn run, const limits *l,
              const pb_message *messages, int64_t count, int64_t batch, uint64_t *hash) {
    int64_t bytes = bytes_of(l->orders, l->pages, l->ids, l->price_bits);
    if (bytes < 0) return bytes;
    pb_book *book = calloc(1, (size_t)bytes);
    int64_t capacity = l->orders + 2;
    pb_report *reports = calloc((size_t)capacity, sizeof *reports);
    int64_t said = open(book, bytes, l->orders, l->pages, l->ids, l->price_bits), total = 0;
    for (int64_t at = 0; said >= 0 && at < count; at += book->taken) {
        int64_t left = count - at;
        said = run(book, messages + at, left < batch ? left : batch, reports, capacity);
        for (int64_t i = 0; i < said; ++i) reports[i].message += (uint32_t)at;
        if (said > 0) {
            *hash = fold(*hash, (const unsigned char *)reports, said * (int64_t)sizeof *reports);
            total += said;
        }
    }
    free(reports);
    free(book);
    return said < 0 ? said : total;
}
