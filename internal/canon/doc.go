// Package canon reads and writes canonical MessagePack: the one byte form of everything that kdelta hashes, signs,
// stores or receives.
//
// # The model
//
// An ITEM is one MessagePack element: nil, a boolean, an integer, a float, a string, bytes, an array or a map. Items
// are of two ranks:
//
//	structure   what kdelta lays out itself (headers, clocks, frames): any item, integers of the full 64 bits
//	value       what an application stores: a Value, one item under the stricter rules below, closed under JSON
//
//	        application text                         bytes that are hashed
//	   {"b": 1.0, "a": "x"}  ── FromJSON ──▶  82 a1 61 a1 78 a1 62 01  ── Reader.Value ──▶ Value
//	   {"a":"x","b":1}       ◀─ AppendJSON ─                            ◀── Append… ──────
//
// Both ranks have one encoding per meaning. The reader refuses every other, because two encodings of one meaning are
// two hashes of one fact, and because the bytes come from strangers.
//
// # Invariants of items
//
//  1. An integer takes the smallest form; a nonnegative one is always of the unsigned family (0x00–0x7f, 0xcc–0xcf),
//     a negative one always of the signed family (0xe0–0xff, 0xd0–0xd3).
//  2. A float is always a float64 (0xcb) and never a NaN. Float32 (0xca) is refused.
//  3. Strings, bytes, arrays and maps have the smallest header that holds their length. Strings are valid UTF-8.
//  4. Extensions (0xc7–0xc9, 0xd4–0xd8) and 0xc1 are refused.
//  5. A length or count is believed only if that much input remains (an element takes at least one byte), so nothing
//     decoded can make a caller allocate more than a small multiple of what was really received.
//  6. Arrays and maps nest at most MaxDepth deep: a scalar has depth 0, [] depth 1, [[]] depth 2.
//
// # Invariants of values
//
//  7. A number whose value is an integer within ±MaxInteger (2^53−1) is an integer item; every other finite number is
//     a float. So 1.0 is the integer 1, −0 is 0, and NaN and the infinities are no values.
//  8. Map keys are strings, each greater than the one before it, compared as UTF-8 bytes. So keys are unique.
//  9. The map of exactly one entry "$bytes" whose value is a string of valid standard base64 (padded, no line breaks,
//     no stray bits) is no value, because its JSON text is the text of a bytes value. Other maps that use the
//     key are ordinary maps.
//  10. FromJSON(v.AppendJSON(nil)) is v, byte for byte, for every Value; and Compare(a, b) is 0 only for equal bytes.
//
// # Numbers in JSON text
//
// A literal with a fraction or an exponent is a float and is rounded to the nearest float64, as everywhere. A literal of
// digits alone is a claim of exactness: within ±MaxInteger it is that integer; beyond, it is accepted only if it is the
// very text that its float64 is written as again (which is what JavaScript and encoding/json write for large floats:
// 100000000000000000000), else refused, since the reader would see other digits than the writer wrote. A literal
// that overflows (1e400) is refused, and so is one that is not zero but would become zero (1e-400).
//
// Sources: the MessagePack specification; RFC 8259 (JSON); RFC 6901 for the paths in errors.
package canon
