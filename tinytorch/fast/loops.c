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
    int32_t advance; /* bytes for what went before in earlier blocks; 0 for scratch */
    int32_t each;    /* of how many elements these bytes are */
};

struct call {
    loop *function;
    void *data;
    int32_t first, count; /* its arguments, in the table of all arguments */
    int32_t spare;        /* calls after this one that do what it cannot do alone */
    int32_t unused;
};

typedef intptr_t joined(char **, intptr_t); /* many loops as one; how many elements it has done */

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
            intptr_t all = left < part->block ? left : part->block, done = 0;
            const struct call *spare = first; /* up to here, calls begin behind what is done */
            for (const struct call *call = first; call < end; call++) {
                if (call >= spare)
                    done = 0;
                intptr_t count = all - done;
                char *places[MOST];
                intptr_t steps[MOST];
                for (int k = 0; k < call->count; k++) {
                    const struct argument *argument = program->argument + call->first + k;
                    intptr_t before = argument->each == 1 ? start : start / argument->each;
                    steps[k] = argument->step;
                    places[k] = program->slots[argument->slot] + before * argument->advance;
                    places[k] += done * steps[k];
                }
                if (!call->spare) {
                    call->function(places, &count, steps, call->data);
                    continue;
                }
                done = ((joined *)call->function)(places, count);
                spare = call + call->spare + 1;
                if (done == count)
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

/* Of a column each number as often as a row is long, which is what `data` says. */
#define COLUMNS(type)                                                                       \
    for (intptr_t i = 0, long_ = (intptr_t)data; i < *count / long_; i++) {                 \
        type number = *(type *)(places[0] + i * sizeof(type)), *to = (type *)places[1] + i * long_; \
        for (intptr_t k = 0; k < long_; k++)                                                \
            to[k] = number;                                                                 \
    }

LOOP(columns_bool) { COLUMNS(uint8_t) }
LOOP(columns_float) { COLUMNS(uint32_t) }
LOOP(columns_double) { COLUMNS(uint64_t) }

enum { MOST_AXES = 6 };

struct reduction {
    loop *function;
    void *data;
    loop *divide;
    void *divide_data;
    int64_t axes, itemsize;
    int64_t start;   /* whether results begin as `first`, and not as the first element */
    int64_t is_mean; /* whether they are divided by `count` */
    char first[8], count[8];
    int64_t lengths[MOST_AXES], reads[MOST_AXES], writes[MOST_AXES]; /* from outside to inside */
};

/* Begin results: as a number, or as the elements that are the first ones for them. */
static void begin(const struct reduction *it, char *from, char *to, intptr_t many)
{
    const int64_t last = it->axes - 1;
    for (intptr_t i = 0; i < many; i++, from += it->reads[last], to += it->writes[last])
        memcpy(to, it->start ? it->first : from, it->itemsize);
}

/* The innermost axis; `is_first` tells whether nothing has been added to its results. */
static void innermost(const struct reduction *it, char *from, char *to, int is_first)
{
    const int64_t last = it->axes - 1;
    const int is_reduced = it->writes[last] == 0;
    intptr_t many = it->lengths[last];
    const intptr_t steps[] = {it->writes[last], it->reads[last], it->writes[last]};
    if (is_first) {
        begin(it, from, to, is_reduced ? 1 : many);
        if (!it->start && !is_reduced)
            return;
        if (!it->start) {
            from += it->reads[last];
            many--;
        }
    }
    char *places[] = {to, from, to};
    if (many)
        it->function(places, &many, steps, it->data);
}

static void outer(const struct reduction *it, int64_t axis, char *from, char *to, int is_first)
{
    if (axis == it->axes - 1) {
        innermost(it, from, to, is_first);
        return;
    }
    for (int64_t i = 0; i < it->lengths[axis]; i++)
        outer(it, axis + 1, from + i * it->reads[axis], to + i * it->writes[axis],
              is_first && (i == 0 || it->writes[axis]));
}

static void divided(struct reduction *it, char *to)
{
    intptr_t many = 1;
    for (int64_t axis = 0; axis < it->axes; axis++)
        many *= it->writes[axis] ? it->lengths[axis] : 1;
    char *places[] = {to, it->count, to};
    const intptr_t steps[] = {it->itemsize, 0, it->itemsize};
    it->divide(places, &many, steps, it->divide_data);
}

/* Sums, means and extremes along some axes, by numpy's loop for two operands. */
LOOP(reduce)
{
    struct reduction *it = data;
    outer(it, 0, places[0], places[1], 1);
    if (it->is_mean)
        divided(it, places[1]);
}

enum { OUTER_AXES = 4 };

struct nest {
    loop *function;
    void *data;
    int64_t axes; /* outside of the loop, from the outermost */
    int64_t lengths[OUTER_AXES], steps[3][OUTER_AXES];
    intptr_t shape[4], inner[9]; /* what the loop is told */
};

static void along(struct nest *it, int64_t axis, char *a, char *b, char *c)
{
    if (axis == it->axes) {
        char *places[] = {a, b, c};
        it->function(places, it->shape, it->inner, it->data);
        return;
    }
    for (int64_t i = 0; i < it->lengths[axis]; i++) {
        along(it, axis + 1, a, b, c);
        a += it->steps[0][axis];
        b += it->steps[1][axis];
        c += it->steps[2][axis];
    }
}

/* A loop of numpy's, once for each place along outer axes, on two arrays or on three. */
LOOP(nest2) { along(data, 0, places[0], places[1], NULL); }
LOOP(nest3) { along(data, 0, places[0], places[1], places[2]); }
