/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of the latency histograms, the same for both sides: the BPF programs choose a
 * bucket, user space gives it back its bounds. Log-linear: 16 buckets to a power of two, so that
 * no bucket is wider than 1/16 (6.25 %) of its lower bound. Includable from anywhere.
 */
#ifndef GMEM_HIST_H
#define GMEM_HIST_H

#define HIST_SUB_BITS 4 /* 16 buckets to a power of two */
#define HIST_MIN_BITS 6 /* the first octave begins at 64 ns */
#define HIST_MAX_BITS 36 /* the last one ends at 2^36 ns, 68.7 s */
#define HIST_SUB (1 << HIST_SUB_BITS)

/* One bucket below 64 ns, the octaves, one for everything from 2^36 ns on. */
#define HIST_BUCKETS ((HIST_MAX_BITS - HIST_MIN_BITS) * HIST_SUB + 2)

/* The position of the highest set bit of @v, 0 for 0. BPF has no instruction for it. */
static inline __attribute__((always_inline)) unsigned int hist_log2(unsigned long long v)
{
	unsigned int bits, step;

	bits = (v > 0xffffffffULL) << 5;
	v >>= bits;
	step = (v > 0xffff) << 4;
	v >>= step;
	bits |= step;
	step = (v > 0xff) << 3;
	v >>= step;
	bits |= step;
	step = (v > 0xf) << 2;
	v >>= step;
	bits |= step;
	step = (v > 0x3) << 1;
	v >>= step;
	return bits | step | (v >> 1);
}

#define HIST_2(x) x, x
#define HIST_4(x) HIST_2(x), HIST_2(x)
#define HIST_8(x) HIST_4(x), HIST_4(x)
#define HIST_16(x) HIST_8(x), HIST_8(x)
#define HIST_32(x) HIST_16(x), HIST_16(x)
#define HIST_64(x) HIST_32(x), HIST_32(x)

/* The octaves of most latencies, by their bits from HIST_MIN_BITS on: up to 16 us. */
static const unsigned char hist_octaves[256] = {
	0,	     6,		  HIST_2(7),   HIST_4(8),   HIST_8(9),
	HIST_16(10), HIST_32(11), HIST_64(12), HIST_64(13), HIST_64(13),
};

/* The bucket of a latency: 0 to HIST_BUCKETS - 1, for every value. */
static inline __attribute__((always_inline)) unsigned int hist_bucket(unsigned long long ns)
{
	unsigned long long bits = ns >> HIST_MIN_BITS;
	unsigned int octave;

	if (!bits)
		return 0;
	if (bits < 256)
		octave = hist_octaves[bits];
	else if (ns < (1ULL << HIST_MAX_BITS))
		octave = hist_log2(ns);
	else
		return HIST_BUCKETS - 1;
	/* 16..31 in the octave's own scale, so that octave n ends where n + 1 begins. */
	return 1 - HIST_SUB + ((octave - HIST_MIN_BITS) << HIST_SUB_BITS) +
	       (unsigned int)(ns >> (octave - HIST_SUB_BITS));
}

/* The lowest latency in ns that falls into @bucket. */
static inline unsigned long long hist_low_ns(unsigned int bucket)
{
	unsigned int octave, sub;

	if (bucket == 0)
		return 0;
	octave = (bucket - 1) / HIST_SUB + HIST_MIN_BITS;
	sub = (bucket - 1) % HIST_SUB;
	return (unsigned long long)(HIST_SUB + sub) << (octave - HIST_SUB_BITS);
}

/* The first latency in ns above @bucket; 0 for the last bucket, which has no end. */
static inline unsigned long long hist_high_ns(unsigned int bucket)
{
	return bucket == HIST_BUCKETS - 1 ? 0 : hist_low_ns(bucket + 1);
}

#endif
