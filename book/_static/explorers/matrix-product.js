// The product of two matrices, in loops that are as fast as plain ones get: training spends most of
// its time here. Blocks of 2 × 4 entries have their sums in local variables: each number that is
// read serves two or four products.
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});

  /**
   * out = a b, for a [n, k] and b [k, m], row by row.
   * @param {Float32Array | Float64Array} a @param {Float32Array | Float64Array} b
   * @param {Float32Array | Float64Array} out @param {number} n @param {number} k @param {number} m
   */
  function multiply(a, b, out, n, k, m) {
    const rows = n - (n % 2), cols = m - (m % 4);
    for (let i = 0; i < rows; i += 2) {
      const first = i * k, second = first + k;
      for (let j = 0; j < cols; j += 4) {
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
        for (let p = 0, q = j; p < k; p += 1, q += m) {
          const u = a[first + p], v = a[second + p];
          const b0 = b[q], b1 = b[q + 1], b2 = b[q + 2], b3 = b[q + 3];
          s0 += u * b0;
          s1 += u * b1;
          s2 += u * b2;
          s3 += u * b3;
          t0 += v * b0;
          t1 += v * b1;
          t2 += v * b2;
          t3 += v * b3;
        }
        const o = i * m + j;
        out[o] = s0;
        out[o + 1] = s1;
        out[o + 2] = s2;
        out[o + 3] = s3;
        out[o + m] = t0;
        out[o + m + 1] = t1;
        out[o + m + 2] = t2;
        out[o + m + 3] = t3;
      }
    }
    for (let i = 0; i < n; i += 1) {
      for (let j = i < rows ? cols : 0; j < m; j += 1) {
        let total = 0;
        for (let p = 0, q = j; p < k; p += 1, q += m) total += a[i * k + p] * b[q];
        out[i * m + j] = total;
      }
    }
  }

  genlib.multiply = multiply;
})();
