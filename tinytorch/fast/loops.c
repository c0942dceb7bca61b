/* Runs many of numpy's own inner loops in one call, block by block. Needs no header of numpy's or of
   Python's: the few fields that are read were compared with what Python says when this was loaded. */

#include <stdint.h>
#include <string.h>

typedef void loop(char **, const intptr_t *, const intptr_t *, void *);

struct array { /* the beginning of every numpy array */
    intptr_t references;
    void *type;
    char *data;
    int dimensions;
    intptr_t *shape, *strides;
    void *base, *description;
    int flags;
};

enum { ALIGNED = 0x0100, WRITEABLE = 0x0400 };

struct argument {
    int32_t slot;    /* whose memory */
    int32_t step;    /* bytes from one element to the next; 0 for a single number */
    int32_t advance; /* bytes for each element that went before in earlier blocks; 0 for scratch */
};

struct call {
    loop *function;
    void *data;
    int32_t first, count; /* its arguments, in the table of all arguments */
    int32_t spare;        /* calls after this one that are left out if it can do it alone */
    int32_t unused;
};

typedef int joined(char **, intptr_t); /* many loops as one; 0 if it could do it */

enum { MOST = 512 }; /* arguments of a call */

struct part {
    int64_t size, block, calls;
};

struct given {
    int32_t slot, needs; /* where the memory of an argument goes, and which flags it must have */
};

struct program {
    int64_t parts, arguments;
    const struct part *part;
    const struct call *call;
    const struct argument *argument;
    char **slots;
    const struct given *given;
};

/* 0, or 1 if an array is not as it must be; then nothing has been computed. */
int run(const struct program *program, struct array **arrays)
{
    for (int64_t i = 0; i < program->arguments; i++) {
        const struct given *given = program->given + i;
        if ((arrays[i]->flags & given->needs) != given->needs)
            return 1;
        program->slots[given->slot] = arrays[i]->data;
    }
    const struct call *first = program->call;
    for (const struct part *part = program->part; part < program->part + program->parts; part++) {
        const struct call *end = first + part->calls;
        for (int64_t start = 0; start < part->size; start += part->block) {
            intptr_t left = part->size - start;
            intptr_t count = left < part->block ? left : part->block;
            for (const struct call *call = first; call < end; call++) {
                char *places[MOST];
                intptr_t steps[MOST];
                for (int k = 0; k < call->count; k++) {
                    const struct argument *argument = program->argument + call->first + k;
                    places[k] = program->slots[argument->slot] + start * argument->advance;
                    steps[k] = argument->step;
                }
                if (!call->spare)
                    call->function(places, &count, steps, call->data);
                else if (((joined *)call->function)(places, count) == 0)
                    call += call->spare;
            }
        }
        first = end;
    }
    return 0;
}

#define EACH for (intptr_t i = 0; i < *count; i++)
#define AT(type, k) (*(type *)(places[k] + i * steps[k]))
#define LOOP(name) \
    void name(char **places, const intptr_t *count, const intptr_t *steps, void *data)

LOOP(where_float) { EACH AT(float, 3) = AT(uint8_t, 0) ? AT(float, 1) : AT(float, 2); }
LOOP(where_double) { EACH AT(double, 3) = AT(uint8_t, 0) ? AT(double, 1) : AT(double, 2); }
LOOP(bool_to_float) { EACH AT(float, 1) = AT(uint8_t, 0) ? 1.0f : 0.0f; }
LOOP(bool_to_double) { EACH AT(double, 1) = AT(uint8_t, 0) ? 1.0 : 0.0; }
LOOP(float_to_double) { EACH AT(double, 1) = AT(float, 0); }
LOOP(double_to_float) { EACH AT(float, 1) = (float)AT(double, 0); }
#define COPY(type)                                                            \
    if (steps[0] == sizeof(type) && steps[1] == sizeof(type))                 \
        memcpy(places[1], places[0], *count * sizeof(type));                  \
    else                                                                      \
        EACH AT(type, 1) = AT(type, 0)

LOOP(copy_bool) { COPY(uint8_t); }
LOOP(copy_float) { COPY(uint32_t); }
LOOP(copy_double) { COPY(uint64_t); }

/* A row once more for each of `count`; `data` is how many bytes a row has. */
LOOP(rows) { EACH memcpy(places[1] + i * (intptr_t)data, places[0], (intptr_t)data); }
