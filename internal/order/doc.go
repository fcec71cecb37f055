// Package order sorts slices in little code.
//
// The sorts of package slices are made anew for each type they sort: 18 kB of machine code in a browser module, half of
// that for numbers and strings. The core sorts two dozen types, mostly a handful of elements at a time, and those sorts
// together weighed more than the whole CRDT. Here a type adds 1.4 kB:
//
//	few elements    insertion, in place
//	more            sort.Slice, one code for all types
//
// Use it for whatever the core sorts. The other functions of package slices are small; a stable sort is
// sort.SliceStable.
//
//  1. The result follows from the input and compare alone.
//  2. Few elements take no allocation, more take three of fixed size: what is decoded from outside may be sorted.
//  3. It takes O(n log n) comparisons, whatever the input.
package order
