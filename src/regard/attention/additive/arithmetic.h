// The additive score with vectors as wide as the registers (`lanes.h`); included once, by `kernel.c`.
//
// `kernel.c` defines RECIPROCAL(x), an estimate that is refined here; LIMIT(x, bound), which clamps x to
// [-bound, bound] and keeps NaN; and PICK(a, b, list), which selects elements of two vectors by the lists EVEN and ODD.

#define AT(x) (*(const unaligned *)(x))
#define PUT(x) (*(unaligned *)(x))

#if LANES == 4 // without an instruction for it
INLINE lanes limit(lanes x, float bound) {
    lanes top = bound - (lanes){0}, bottom = -top;
    integers over = x > top, under = x < bottom;
    return (lanes)((over & (integers)top) | (under & (integers)bottom) | (~over & ~under & (integers)x));
}
#endif

INLINE lanes spread(float x) { return x - (lanes){0}; }

// 1 / x; NaN where x is beyond 2^126.
INLINE lanes invert(lanes x) {
    lanes estimate = RECIPROCAL(x);
    return estimate * (2.0f - x * estimate);
}

// e^x with relative error below 3e-7 for |x| < 87; unlike `exponentials`, without a check of that range.
INLINE lanes exponentials_within(lanes x) {
    lanes shifted = x * 1.44269504f + 12582912.0f; // adding 1.5 * 2^23 rounds to an integer
    lanes n = shifted - 12582912.0f;
    lanes r = x - n * 0.693145752f - n * 1.42860677e-6f; // ln 2 in two parts
    lanes p = r * 1.98756915e-4f + 1.39819995e-3f;
    p = p * r + 8.33345190e-3f;
    p = p * r + 4.16657962e-2f;
    p = p * r + 1.66666657e-1f;
    p = p * r + 5.00000012e-1f;
    p = p * (r * r) + r + 1.0f;
    return (lanes)((integers)p + ((integers)shifted << 23));
}

INLINE lanes hyperbolic_tangents(lanes x) {
    x = LIMIT(x, 9.0f);
    lanes y = x * x;
    TANH_PARTS(lanes, y, p, q);
    return x * p * invert(q);
}

// The first `count` of LANES elements, padded with zeros; all zeros if `count` is negative.
INLINE lanes load_f32(const float *x, int64_t count) {
    if (count >= LANES) return AT(x);
    float padded[LANES] = {0};
    if (count > 0) memcpy(padded, x, (size_t)count * sizeof *x);
    return AT(padded);
}

INLINE lanes load_bf16(const bf16 *x, int64_t count) {
    if (count >= LANES) return lanes_bf16(x);
    bf16 padded[LANES] = {0};
    if (count > 0) memcpy(padded, x, (size_t)count * sizeof *x);
    return lanes_bf16(padded);
}

INLINE lanes load(const void *x, int64_t at, int64_t count, int half) {
    return half ? load_bf16((const bf16 *)x + at, count) : load_f32((const float *)x + at, count);
}

INLINE void store(void *x, int64_t at, int64_t count, lanes y, int half) {
    float values[LANES];
    PUT(values) = y;
    if (!half) {
        if (count >= LANES) {
            PUT((float *)x + at) = y;
        } else {
            memcpy((float *)x + at, values, (size_t)count * sizeof(float));
        }
        return;
    }
    bf16 *narrowed = (bf16 *)x + at;
    for (int64_t i = 0; i < (count < LANES ? count : LANES); i++) narrowed[i] = narrow(values[i]);
}

// The largest |x|; infinity or NaN if an element is.
static float largest_of(const void *x, int64_t count, int half) {
    int32_t most = 0;
    if (half) {
        for (int64_t i = 0; i < count; i++) {
            int32_t bits = (((const bf16 *)x)[i] & 0x7fff) << 16;
            most = bits > most ? bits : most;
        }
    } else {
        for (int64_t i = 0; i < count; i++) {
            int32_t bits;
            memcpy(&bits, (const float *)x + i, sizeof bits);
            bits &= 0x7fffffff;
            most = bits > most ? bits : most;
        }
    }
    float result;
    memcpy(&result, &most, sizeof result);
    return result;
}

// The sums of LANES vectors, as one vector.
INLINE lanes lane_sums(lanes *x) {
    for (int left = LANES; left > 1; left /= 2)
        for (int i = 0; i < left / 2; i++) x[i] = PICK(x[2 * i], x[2 * i + 1], EVEN) + PICK(x[2 * i], x[2 * i + 1], ODD);
    return x[0];
}

// ---------------------------------------------------------------------------------------------- forward
//
// Fast: with A = e^2q, B = e^2k, u = 1/v and w = A u, v tanh(q + k) = v - 2 / (u + w B). This takes a multiply-add, an
// estimate of the reciprocal and its refinement, whose last multiply-add is also the sum over D. Careful: v tanh(q + k)
// is computed directly.

// Copies rows of queries (with `u`: A u) or keys (B) into rows of `stride` floats, padded with zeros.
INLINE void pack(const void *x, int64_t rows, int64_t D, float *to, int64_t stride, const float *u, int careful,
                       int half) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t d = 0; d < stride; d += LANES) {
            lanes y = load(x, row * D + d, D - d, half);
            if (!careful) y = exponentials_within(y + y);
            if (!careful && u) y *= AT(u + d);
            PUT(to + row * stride + d) = y;
        }
}

// A tile of `rows` queries by 4 keys.
INLINE void tile(const float *q, const float *k, const float *u, int64_t stride, int rows, int careful,
                       float sums[16]) {
    lanes total[16];
    for (int i = 0; i < 16; i++) total[i] = (lanes){0};
    for (int64_t d = 0; d < stride; d += LANES) {
        lanes weight = AT(u + d);
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
            lanes key = AT(k + s * stride + d);
#pragma GCC unroll 4
            for (int t = 0; t < rows; t++) {
                lanes query = AT(q + t * stride + d);
                if (careful) {
                    total[4 * t + s] += weight * hyperbolic_tangents(query + key);
                } else {
                    lanes x = weight + query * key, estimate = RECIPROCAL(x);
                    total[4 * t + s] += estimate * (2.0f - x * estimate);
                }
            }
        }
    }
    for (int i = 0; i < 16; i += LANES) PUT(sums + i) = lane_sums(total + i);
}

INLINE void scores(const struct forward *job, const float *q, const float *k, const float *u, int64_t stride,
                         int64_t t, int64_t s, int rows, int careful, float base, float scale, float *e) {
    float sums[16];
    tile(q + t * stride, k + s * stride, u, stride, rows, careful, sums);
    int64_t columns = job->S - s < 4 ? job->S - s : 4;
    for (int i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) e[(t + i) * job->S + s + j] = base + scale * sums[4 * i + j];
}

// Runs first, once per head: writes v padded with zeros, u = |v|max / v, and base and scale of base + scale Σ.
static void prepare(const float *v, int64_t D, int64_t stride, float *to) {
    float *u = to + stride, *numbers = u + stride, largest = largest_of(v, D, 0), base = 0.0f;
    memset(to, 0, (size_t)stride * sizeof *to);
    memcpy(to, v, (size_t)D * sizeof *to);
    for (int64_t d = 0; d < stride; d++) {
        float share = d < D ? v[d] / largest : 0.0f;
        // 1 / v must be finite, so elements below 1e-9 of the largest are replaced by that, and padding by less.
        share = share < 0x1p-30f && share > -0x1p-30f ? (d < D ? 0x1p-30f : 0x1p-60f) : share;
        u[d] = 1.0f / share;
        base += to[d];
    }
    numbers[0] = base;
    numbers[1] = -2.0f * largest;
    numbers[2] = largest;
}

// Scores of the queries from `first` to `last` of one batch entry and head; `head` is what `prepare` wrote.
INLINE void block(const struct forward *job, const void *q, const void *k, const float *head, float *e,
                        int64_t first, int64_t last, float *scratch, int careful, int half) {
    int64_t D = job->D, S = job->S, stride = job->stride;
    const float *u = careful ? head : head + stride, *numbers = head + 2 * stride;
    float *queries = scratch, *keys = queries + ROWS * stride;
    float base = careful ? 0.0f : numbers[0], scale = careful ? 1.0f : numbers[1];
    pack(k, S, D, keys, stride, 0, careful, half);
    memset(keys + S * stride, 0, (size_t)((4 - S % 4) % 4 * stride) * sizeof *keys);
    for (int64_t from = first; from < last; from += ROWS) {
        int64_t rows = last - from < ROWS ? last - from : ROWS;
        const char *start = (const char *)q + from * D * (half ? 2 : 4);
        pack(start, rows, D, queries, stride, u, careful, half);
        for (int64_t begin = 0; begin < S; begin += COLUMNS) // keys that stay in the first-level cache
            for (int64_t t = 0; t < rows; t += 4)
                for (int64_t s = begin; s < S && s < begin + COLUMNS; s += 4) {
#define SCORES(n) scores(job, queries, keys, u, stride, t, s, n, careful, base, scale, e + from * S)
                    switch (rows - t) {
                    case 1: SCORES(1); break;
                    case 2: SCORES(2); break;
                    case 3: SCORES(3); break;
                    default: SCORES(4);
                    }
#undef SCORES
                }
    }
}

static int is_tame(const void *q, int64_t T, const void *k, int64_t S, int64_t D, int half) {
    if (T < 2) return 0; // exponentials that are used once do not pay
    float reach = largest_of(q, T * D, half) + largest_of(k, S * D, half);
    return reach >= LEAST && reach <= MOST;
}

#define DEFINE(KIND, TYPE, HALF)                                                                                       \
    static void fast_##KIND(const struct forward *job, const void *q, const void *k, const float *head,  \
                                         float *e, int64_t first, int64_t last, float *scratch) {                      \
        block(job, q, k, head, e, first, last, scratch, 0, HALF);                                                \
    }                                                                                                                  \
    static void careful_##KIND(const struct forward *job, const void *q, const void *k,                  \
                                            const float *head, float *e, int64_t first, int64_t last,                  \
                                            float *scratch) {                                                          \
        block(job, q, k, head, e, first, last, scratch, 1, HALF);                                                \
    }                                                                                                                  \
    static void forward_##KIND(const struct forward *job, int64_t b, int64_t h, int64_t first,            \
                                            int64_t last, const float *heads, float *scratch) {                        \
        int64_t T = job->T, S = job->S, D = job->D, at = b * job->H + h;                                               \
        const TYPE *q = (const TYPE *)job->q + at * T * D, *k = (const TYPE *)job->k + at * S * D;                     \
        const float *head = heads + h * (2 * job->stride + WIDEST);                                          \
        float largest = head[2 * job->stride + 2];               \
        int tame = largest >= 0x1p-90f && largest <= 0x1p90f &&                                                        \
                   is_tame(q + first * D, last - first, k, S, D, HALF);                                          \
        (tame ? fast_##KIND : careful_##KIND)(job, q, k, head, job->e + at * T * S, first, last, scratch); \
    }
DEFINE(f32, float, 0)
DEFINE(bf16, bf16, 1)
#undef DEFINE

// --------------------------------------------------------------------------------------------- backward
//
// y = tanh(q + k) is recomputed; dv = Σ de y, and dq = Σ_s g, dk = Σ_t g with g = de (1 - y²) v. One vector of D at a
// time, so that its keys and their gradients stay in the first-level cache.

// LANES columns of all rows from column `d` on, row after row: A / 2 and B, or q and k.
INLINE void panel(const void *x, int64_t rows, int64_t D, int64_t d, float *to, float factor, int careful,
                        int half) {
    for (int64_t row = 0; row < rows; row++) {
        lanes y = load(x, row * D + d, D - d, half);
        PUT(to + row * LANES) = careful ? y : factor * exponentials_within(y + y);
    }
}

// `rows` queries with all keys: adds to dk, writes dq, returns Σ de y; dk and dq are not yet multiplied by v.
INLINE lanes strip(const float *q, const float *k, const float *de, int64_t S, float *dk, lanes *dq, int rows,
                          int careful) {
    lanes query[4], for_query[4], for_v[4];
    for (int t = 0; t < rows; t++) {
        query[t] = AT(q + t * LANES);
        for_query[t] = for_v[t] = (lanes){0};
    }
    for (int64_t s = 0; s < S; s++) {
        lanes key = AT(k + s * LANES), for_key = AT(dk + s * LANES);
#pragma GCC unroll 4
        for (int t = 0; t < rows; t++) {
            lanes y, error = spread(de[t * S + s]);
            if (careful) {
                y = hyperbolic_tangents(query[t] + key);
            } else { // -tanh = 2 / (1 + AB) - 1
                lanes x = 0.5f + query[t] * key, estimate = RECIPROCAL(x);
                y = estimate * (2.0f - x * estimate) - 1.0f;
            }
            lanes product = error * y, gradient = error - product * y;
            for_v[t] += product;
            for_query[t] += gradient;
            for_key += gradient;
        }
        PUT(dk + s * LANES) = for_key;
    }
    lanes total = (lanes){0};
    for (int t = 0; t < rows; t++) {
        dq[t] = for_query[t];
        total += for_v[t];
    }
    return careful ? total : -total;
}

INLINE void back(const struct backward *job, const void *q, const void *k, const float *v, const float *de,
                       void *dq, void *dk, float *dv, int64_t first, int64_t last, float *scratch, int careful,
                       int half) {
    int64_t D = job->D, S = job->S, rows = last - first;
    float *keys = scratch, *for_keys = keys + S * LANES, *queries = for_keys + S * LANES;
    const char *start = (const char *)q + first * D * (half ? 2 : 4);
    for (int64_t d = 0; d < D; d += LANES) {
        lanes weight = load(v, d, D - d, 0), total = (lanes){0}, found[4];
        panel(k, S, D, d, keys, 1.0f, careful, half);
        panel(start, rows, D, d, queries, 0.5f, careful, half);
        memset(for_keys, 0, (size_t)(S * LANES) * sizeof *for_keys);
        for (int64_t t = 0; t < rows; t += 4) {
            int height = rows - t < 4 ? (int)(rows - t) : 4;
#define STRIP(n) strip(queries + t * LANES, keys, de + (first + t) * S, S, for_keys, found, n, careful)
            switch (height) {
            case 1: total += STRIP(1); break;
            case 2: total += STRIP(2); break;
            case 3: total += STRIP(3); break;
            default: total += STRIP(4);
            }
#undef STRIP
            for (int i = 0; i < height; i++) store(dq, (first + t + i) * D + d, D - d, found[i] * weight, half);
        }
        for (int64_t s = 0; s < S; s++)
            store(dk, s * D + d, D - d, AT(for_keys + s * LANES) * weight, half);
        store(dv, d, D - d, load(dv, d, D - d, 0) + total, 0);
    }
}

#define DEFINE(KIND, TYPE, HALF)                                                                                       \
    static void fast_back_##KIND(const struct backward *job, const void *q, const void *k,               \
                                              const float *v, const float *de, void *dq, void *dk, float *dv,          \
                                              int64_t first, int64_t last, float *scratch) {                           \
        back(job, q, k, v, de, dq, dk, dv, first, last, scratch, 0, HALF);                                       \
    }                                                                                                                  \
    static void careful_back_##KIND(const struct backward *job, const void *q, const void *k,            \
                                                 const float *v, const float *de, void *dq, void *dk, float *dv,       \
                                                 int64_t first, int64_t last, float *scratch) {                        \
        back(job, q, k, v, de, dq, dk, dv, first, last, scratch, 1, HALF);                                       \
    }                                                                                                                  \
    static void backward_##KIND(const struct backward *job, int64_t b, int64_t h, int64_t chunk,          \
                                             int64_t first, int64_t last, float *dv, float *scratch) {                 \
        int64_t T = job->T, S = job->S, D = job->D, head = b * job->H + h;                                             \
        const TYPE *q = (const TYPE *)job->q + head * T * D, *k = (const TYPE *)job->k + head * S * D;                 \
        TYPE *dq = (TYPE *)job->dq + head * T * D, *dk = (TYPE *)job->dk + (chunk * job->B * job->H + head) * S * D;   \
        const float *v = job->v + h * D, *de = job->de + head * T * S;                                                 \
        int tame = is_tame(q + first * D, last - first, k, S, D, HALF);                                       \
        (tame ? fast_back_##KIND : careful_back_##KIND)(job, q, k, v, de, dq, dk, dv, first, last,         \
                                                                    scratch);                                          \
    }
DEFINE(f32, float, 0)
DEFINE(bf16, bf16, 1)
#undef DEFINE
