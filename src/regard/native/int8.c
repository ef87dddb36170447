// Matrix products in 8 bits: weights are quantized beforehand, each row of the input at its product.
//
// Sums are integers and exact. Floating-point operations before and after have the same order, and one rounding each.
// So all instruction sets give the same results to the bit.

#include <float.h>

#include "lanes.h"

#define PANEL 32 // outputs stored together: their weights of four inputs, output by output, then of the next four
#define QUAD 4

// Keeps the compiler from fusing a multiplication and an addition, which not every processor can do in one rounding.
#if defined(__SSE2__)
#define ROUNDED(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define ROUNDED(x) __asm__("" : "+w"(x))
#else
#define ROUNDED(x)
#endif

#define SHIFT 12582912.0f // 1.5 * 2^23: adding it rounds to an integer, which is then in the low bits
#define SHIFT_BITS 0x4b400000

// Quantization of a row: value = scale * (byte - zero).
typedef struct {
    float scale;
    int32_t zero;
} grid;

#if LANES == 16
#define SMALLER(a, b) ((lanes)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define LARGER(a, b) ((lanes)_mm512_max_ps((__m512)(a), (__m512)(b)))
#elif LANES == 8
#define SMALLER(a, b) ((lanes)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define LARGER(a, b) ((lanes)_mm256_max_ps((__m256)(a), (__m256)(b)))
#else
#define WHERE(condition, a, b) ((lanes)(((bits)(a) & (bits)(condition)) | ((bits)(b) & ~(bits)(condition))))
#define SMALLER(a, b) WHERE((a) < (b), a, b)
#define LARGER(a, b) WHERE((a) > (b), a, b)
#endif

typedef struct {
    lanes least, most, odd; // `odd` is 0, or NaN if a value is not finite
} extent;

INLINE void widen_extent(extent *e, lanes x) {
    e->least = SMALLER(e->least, x);
    e->most = LARGER(e->most, x);
    e->odd += x * 0.0f;
}

// Reductions of a vector to one number, by halves.
#if LANES == 16
#define HALF(op, x) _mm256_##op(_mm512_castps512_ps256((__m512)(x)), _mm512_extractf32x8_ps((__m512)(x), 1))
#else
#define HALF(op, x) ((__m256)(x))
#endif
#if LANES > 4
#define DEFINE_FOLD(NAME, OP, PLAIN)                                                                                 \
    INLINE float NAME(lanes x) {                                                                                     \
        __m256 eight = HALF(OP, x);                                                                                  \
        __m128 four = _mm_##OP(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));                      \
        four = _mm_##OP(four, _mm_movehl_ps(four, four));                                                            \
        return _mm_cvtss_f32(_mm_##OP(four, _mm_movehdup_ps(four)));                                                 \
    }
#else
#define DEFINE_FOLD(NAME, OP, PLAIN)                                                                                 \
    INLINE float NAME(lanes x) { return PLAIN(PLAIN(x[0], x[1]), PLAIN(x[2], x[3])); }
#endif
#define LESS(a, b) ((a) < (b) ? (a) : (b))
#define SUM(a, b) ((a) + (b))
DEFINE_FOLD(least_of, min_ps, LESS)
DEFINE_FOLD(total_of, add_ps, SUM)

#define SIDES 4 // independent extents, so that operations need not wait for each other

INLINE extent extent_of(const float *x, int64_t in) {
    extent e[SIDES] = {{{0}, {0}, {0}}};
    int64_t i = 0;
    for (; i + SIDES * LANES <= in; i += SIDES * LANES)
        for (int s = 0; s < SIDES; s++) widen_extent(e + s, lanes_f32(x + i + s * LANES));
    for (; i + LANES <= in; i += LANES) widen_extent(e, lanes_f32(x + i));
    if (i < in) widen_extent(e, some_f32(x + i, in - i));
    for (int s = 1; s < SIDES; s++) {
        widen_extent(e, e[s].least);
        widen_extent(e, e[s].most);
        e->odd += e[s].odd;
    }
    return e[0];
}

// Saturates each integer to 0 ... 255.
INLINE void store_bytes(integers x, uint8_t *bytes) {
#if LANES == 16
    _mm_storeu_si128((__m128i *)bytes, _mm512_cvtusepi32_epi8(_mm512_max_epi32((__m512i)x, _mm512_setzero_si512())));
#elif LANES == 8
    __m128i low = _mm256_castsi256_si128((__m256i)x), high = _mm256_extracti128_si256((__m256i)x, 1);
    __m128i shorts = _mm_packs_epi32(low, high);
    _mm_storel_epi64((__m128i *)bytes, _mm_packus_epi16(shorts, shorts));
#else
    for (int j = 0; j < LANES; j++) bytes[j] = (uint8_t)(x[j] < 0 ? 0 : x[j] > 255 ? 255 : x[j]);
#endif
}

INLINE void round_some(lanes x, float inverse, int32_t zero, uint8_t *bytes) {
    x *= inverse;
    ROUNDED(x);
    store_bytes((integers)((bits)(x + SHIFT) - (uint32_t)(SHIFT_BITS - zero)), bytes);
}

// 0 is represented exactly. A value that is not finite makes the scale of its row, and so its results, not finite.
INLINE grid to_bytes(const float *x, int64_t in, uint8_t *bytes) {
    extent e = extent_of(x, in);
    float odd = total_of(e.odd), low = least_of(e.least), range = -least_of(-e.most) - low + odd;
    float inverse = range > 1e-30f && range <= FLT_MAX ? 255.0f / range : 0.0f;
    float below = inverse > 0.0f ? -low * inverse : 0.0f;
    ROUNDED(below);
    int32_t zero = (int32_t)(below + SHIFT - SHIFT);
    int64_t i = 0;
    for (; i + LANES <= in; i += LANES) round_some(lanes_f32(x + i), inverse, zero, bytes + i);
    if (i < in) round_some(some_f32(x + i, in - i), inverse, zero, bytes + i);
    return (grid){range / 255.0f, zero};
}

// Sums of products for ROWS rows and the outputs of a panel.
#if defined(__AVX2__)
#if LANES == 16
typedef __m512i wide;
#define WIDE(name) _mm512_##name
#define LOAD(x) _mm512_loadu_si512(x)
#define STORE(x, y) _mm512_storeu_si512(x, y)
#define VNNI_TARGET "avx512vnni"
#define VNNI_DOT(sum, x, w) _mm512_dpbusd_epi32(sum, x, w)
#define MOST_ROWS 12
#else
typedef __m256i wide;
#define WIDE(name) _mm256_##name
#define LOAD(x) _mm256_loadu_si256((const __m256i *)(x))
#define STORE(x, y) _mm256_storeu_si256((__m256i *)(x), y)
#define VNNI_TARGET "avxvnni"
#define VNNI_DOT(sum, x, w) _mm256_dpbusd_avx_epi32(sum, x, w)
#define MOST_ROWS 3
#endif
#define PARTS (PANEL / LANES)

// The sum of two products fits into 16 bits, as |weights| <= 64.
#define PLAIN_DOT(sum, x, w) WIDE(add_epi32)(sum, WIDE(madd_epi16)(WIDE(maddubs_epi16)(x, w), WIDE(set1_epi16)(1)))

#define DEFINE_TILE(NAME, ROWS, TARGET, DOT)                                                                         \
    TARGET static void NAME##_##ROWS(const uint8_t *x, int64_t stride, const int8_t *weight, int64_t quads,          \
                                     int32_t *found) {                                                               \
        wide sums[ROWS][PARTS];                                                                                      \
        _Pragma("GCC unroll 16") for (int r = 0; r < ROWS; r++)                                                      \
            _Pragma("GCC unroll 16") for (int p = 0; p < PARTS; p++) sums[r][p] = WIDE(set1_epi32)(0);               \
        for (int64_t q = 0; q < quads; q++) {                                                                        \
            wide w[PARTS];                                                                                           \
            _Pragma("GCC unroll 16") for (int p = 0; p < PARTS; p++)                                                 \
                w[p] = LOAD(weight + (q * PARTS + p) * LANES * QUAD);                                                \
            _Pragma("GCC unroll 16") for (int r = 0; r < ROWS; r++) {                                                \
                int32_t four;                                                                                        \
                memcpy(&four, x + r * stride + q * QUAD, sizeof four);                                               \
                wide v = WIDE(set1_epi32)(four);                                                                     \
                _Pragma("GCC unroll 16") for (int p = 0; p < PARTS; p++) sums[r][p] = DOT(sums[r][p], v, w[p]);      \
            }                                                                                                        \
        }                                                                                                            \
        _Pragma("GCC unroll 16") for (int r = 0; r < ROWS; r++)                                                      \
            _Pragma("GCC unroll 16") for (int p = 0; p < PARTS; p++)                                                 \
                STORE(found + r * PANEL + p * LANES, sums[r][p]);                                                    \
    }
#define TILES(NAME, TARGET, DOT) FOR_ROWS(DEFINE_TILE, NAME, TARGET, DOT)
#if MOST_ROWS == 12
#define FOR_ROWS(F, N, T, D)                                                                                         \
    F(N, 1, T, D) F(N, 2, T, D) F(N, 3, T, D) F(N, 4, T, D) F(N, 5, T, D) F(N, 6, T, D)                              \
    F(N, 7, T, D) F(N, 8, T, D) F(N, 9, T, D) F(N, 10, T, D) F(N, 11, T, D) F(N, 12, T, D)
#else
#define FOR_ROWS(F, N, T, D) F(N, 1, T, D) F(N, 2, T, D) F(N, 3, T, D)
#endif
typedef void (*tile)(const uint8_t *, int64_t, const int8_t *, int64_t, int32_t *);
#define NAMED(NAME, ROWS, TARGET, DOT) NAME##_##ROWS,

TILES(plain, , PLAIN_DOT)
#if __GNUC__ >= 11 || __clang_major__ >= 12 // the first compilers with these instructions
TILES(vnni, __attribute__((target(VNNI_TARGET))), VNNI_DOT)
static const tile tiles[2][MOST_ROWS] = {{FOR_ROWS(NAMED, plain, , )}, {FOR_ROWS(NAMED, vnni, , )}};
#else
static const tile tiles[2][MOST_ROWS] = {{FOR_ROWS(NAMED, plain, , )}, {FOR_ROWS(NAMED, plain, , )}};
#endif

#else
#define MOST_ROWS 4

INLINE void tile_plain(const uint8_t *x, int64_t stride, const int8_t *weight, int64_t quads, int rows,
                       int32_t *found) {
    memset(found, 0, rows * PANEL * sizeof *found);
    for (int r = 0; r < rows; r++)
        for (int64_t q = 0; q < quads; q++) {
            const uint8_t *four = x + r * stride + q * QUAD;
            const int8_t *w = weight + q * PANEL * QUAD;
            for (int o = 0; o < PANEL; o++)
                for (int i = 0; i < QUAD; i++) found[r * PANEL + o] += (int32_t)four[i] * w[o * QUAD + i];
        }
}
#endif

typedef struct {
    const int8_t *weight;
    const float *scales;
    const int32_t *totals;
    const float *bias;
    int64_t out, in;
} matrix;

// Computes the outputs of some rows and a panel from their sums.
INLINE void finish(const int32_t *found, int count, const matrix *m, int64_t from, const grid *rows, int32_t rectify,
                   const float *added, float *y) {
    for (int64_t o = from; o < from + PANEL && o < m->out; o += LANES) {
        integers totals;
        memcpy(&totals, m->totals + o, sizeof totals);
        lanes scales = lanes_f32(m->scales + o), bias = m->bias ? lanes_f32(m->bias + o) : (lanes){0};
        int64_t left = m->out - o;
        for (int r = 0; r < count; r++) {
            integers sums;
            memcpy(&sums, found + r * PANEL + o - from, sizeof sums);
            lanes value = __builtin_convertvector(sums - totals * rows[r].zero, lanes) * (scales * rows[r].scale);
            ROUNDED(value);
            value += bias;
            if (rectify) value = rectified(value);
            int64_t at = r * m->out + o;
            if (left >= LANES) {
                if (added) value += lanes_f32(added + at);
                memcpy(y + at, &value, sizeof value);
            } else {
                if (added) value += some_f32(added + at, left);
                memcpy(y + at, &value, left * sizeof *y);
            }
        }
    }
}

#define CHUNK (192 << 10) // bytes of quantized rows that are multiplied with a panel before the next panel is read

// y = x Wᵀ + b, or max(0, x Wᵀ + b), plus `added`: x (R, in), added (R, out) or NULL, y (R, out). W is in panels of 32
// outputs, with values within +-64; the last panel and the last four inputs are padded with 0. `scales` are the scales
// of the outputs, `totals` the sums of their weights; these and b (or NULL) have 32 elements per panel. `bytes` is
// scratch memory of R rows of `stride` bytes, at least `in` rounded up to 64, and `grids` of R grids.
KERNEL void regard_int8_linear_s8(const float *x, int64_t R, const int8_t *weight, const float *scales,
                                  const int32_t *totals, const float *bias, const float *added, int64_t out, int64_t in,
                                  int32_t rectify, float *y, uint8_t *bytes, int64_t stride, void *grids, int32_t vnni,
                                  int32_t threads) {
    matrix m = {weight, scales, totals, bias, out, in};
    int64_t quads = (in + QUAD - 1) / QUAD, panels = (out + PANEL - 1) / PANEL;
    int64_t rows = CHUNK / stride < MOST_ROWS ? MOST_ROWS : CHUNK / stride / MOST_ROWS * MOST_ROWS;
    grid *of_row = grids;
    (void)vnni;
#pragma omp parallel num_threads(threads) if (threads > 1 && R * out * in > (1 << 18))
    {
#pragma omp for schedule(static)
        for (int64_t r = 0; r < R; r++) of_row[r] = to_bytes(x + r * in, in, bytes + r * stride);
        for (int64_t first = 0; first < R; first += rows) {
            int64_t end = first + rows < R ? first + rows : R;
#pragma omp for schedule(static) nowait
            for (int64_t p = 0; p < panels; p++) {
                int32_t sums[MOST_ROWS * PANEL];
                for (int64_t r = first; r < end; r += MOST_ROWS) {
                    int count = end - r < MOST_ROWS ? (int)(end - r) : MOST_ROWS;
                    const int8_t *w = weight + p * PANEL * quads * QUAD;
#if defined(__AVX2__)
                    tiles[vnni != 0][count - 1](bytes + r * stride, stride, w, quads, sums);
#else
                    tile_plain(bytes + r * stride, stride, w, quads, count, sums);
#endif
                    const float *more = added ? added + r * out : NULL;
                    finish(sums, count, &m, p * PANEL, of_row + r, rectify, more, y + r * out);
                }
            }
        }
    }
}
