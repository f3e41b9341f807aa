/* The order book of docs/spec/matching.md, sections 8 and 9, for C.
 *
 * The functions are compiled by the venue (matching/cbook.py gives their addresses), so a harness
 * receives them as pointers. All integers are in the byte order of the machine, which is little
 * endian. A book is memory that the caller owns: one thread at a time may use it.
 */
#ifndef PROVENUE_BOOK_H
#define PROVENUE_BOOK_H

#include <stdint.h>

enum { PB_NEW = 1, PB_CANCEL = 2, PB_MODIFY = 3 };                /* message kinds */
enum { PB_BUY = 0, PB_SELL = 1 };                                 /* sides */
enum { PB_IOC = 1 };                                              /* flags of a new order */
enum { PB_ACCEPTED = 1, PB_TRADE, PB_CANCELLED, PB_MODIFIED, PB_REFUSED }; /* report kinds */
enum {                                                            /* why a message was refused */
    PB_NONE = 0, PB_BAD_KIND, PB_BAD_SIDE, PB_BAD_FLAGS, PB_BAD_ID, PB_ID_TAKEN,
    PB_UNKNOWN_ORDER, PB_BAD_PRICE, PB_BAD_LOTS, PB_LEVEL_FULL, PB_NO_ROOM
};
enum {                                                            /* answers of the functions */
    PB_BAD_BOOK = -1, PB_BAD_LIMITS = -2, PB_BAD_COUNT = -3, PB_BAD_ARRAY = -4
};

typedef struct {
    int64_t order_id;
    int64_t qty_lots;
    uint32_t price_ticks;
    uint8_t kind;
    uint8_t side;
    uint8_t flags;
    uint8_t zero;
} pb_message;

typedef struct {
    int64_t order_id;
    int64_t maker_id;
    int64_t qty_lots;
    uint32_t price_ticks;
    uint32_t message;
    uint16_t kind;
    uint16_t side;
    uint32_t reject;
} pb_report;

/* The first words of a book. The rest is private, and may change with the magic. */
typedef struct {
    int64_t magic;
    int64_t taken; /* messages that the last call of pb_run consumed */
} pb_book;

/* How many bytes a book of these limits takes, or PB_BAD_LIMITS. At most so many orders rest at once
 * (1 to 2^25); as many pages are always enough; ids is a power of two (up to 2^31) of which no two
 * resting orders' ids may be equal modulo; prices are 1 to 2^price_bits - 1 (6 to 31 bits). */
typedef int64_t (*pb_bytes_fn)(int64_t orders, int64_t pages, int64_t ids, int64_t price_bits);

/* Makes a book of `bytes` bytes of zeroed memory at an address divisible by 8 (calloc will do; 64
 * is faster). Returns 0, PB_BAD_LIMITS or PB_BAD_BOOK. */
typedef int64_t (*pb_open_fn)(pb_book *book, int64_t bytes, int64_t orders, int64_t pages,
                              int64_t ids, int64_t price_bits);

/* Executes messages in order. Returns how many reports were written, PB_BAD_BOOK, PB_BAD_COUNT or
 * PB_BAD_ARRAY. Stops early, with taken < count, before a message whose reports might not fit: call
 * again with the messages from `taken` on. */
typedef int64_t (*pb_run_fn)(pb_book *book, const pb_message *messages, int64_t count,
                             pb_report *reports, int64_t capacity);

#endif
