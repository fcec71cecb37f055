// Command wasmtrim makes a WebAssembly module that Go linked half as large after compression. It changes what the module says
// in a panic and which settings of GODEBUG it heeds, and nothing else of what it does.
//
//	GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -o app.wasm ./app
//	go run github.com/kdelta/kdelta/cmd/wasmtrim app.wasm small.wasm
//
// A module of Go is a memory image and code:
//
//	data    types, strings | tables by function | buckets | variables
//	code    function: [loop] block block ... br_table(PC_B)  segment 0  call  segment 1  call  segment 2 ...
//
// A return address is PC_F<<16 | PC_B: a function, and a number within it. The runtime looks numbers up in tables (how far
// the stack pointer has moved, which words are pointers); a function that is resumed jumps by its number, through br_table,
// to the segment behind the call. What is done with that:
//
//  1. Tables that only tracebacks read go: names, files, lines, inlining (functable.go). A frame that panics is called
//     ?.(*?).? and has no line. The inlining of wrappers stays, for recover reads it.
//  2. The records of functions that stay are written as columns: what a function has in common with others as a small number,
//     what it has alone in order (columns.go). A function that runs when the module starts lays them out (unpack.go).
//  3. The same function lays out the data, which is written without most of its zeros (memory.go), and computes the table of
//     powers of ten (powers.go).
//  4. A jump through br_table to a segment further on becomes a jump, a condition around a jump a conditional jump, and
//     addresses on the stack go into the offset of loads and stores (peephole.go).
//  5. What the compiler writes out at each call becomes a call of a helper (helpers.go), and a return address two numbers,
//     one of them held in a local: then calls are alike in all functions (address.go).
//  6. PC_Bs are numbered by segment, 2k and 2k+1 in segment k, so that all br_tables begin alike; the tables by PC, and
//     where deferred calls resume, follow (resume.go). Whatever returns to 2k is looked up at 2k and 2k-1, as before at x and
//     x-1. A segment that is only run into from the one before is part of that (segments.go): what is called at its end, and
//     does not return through the dispatch, gets a number at which the tables say the same, if need be one behind all others. Where a call returns
//     that is never left by unwinding, nobody looks: it is number 0.
//  7. Behind a call that is never left by unwinding the locals are as before: what is loaded from the frame there goes, and what
//     was stored for it (resumption.go, keep.go; flow.go and live.go, slots.go and spills.go).
//  8. Helpers take words as parameters and store them: arguments, results (arguments.go), and pointers for the write barrier
//     (barrier.go, outline.go).
//  9. What cannot run is left out: functions that serve tracing, metrics, profiles and self-tests that nobody asks for
//     (cuts.go), and what is reached through them alone (prune.go); with AES, its tables (aes.go).
//     A function that is never left by unwinding, nor called by its address, has no record and no place in the table by which
//     functions are resumed. Of functions that are the same, one stays (arrange.go).
//  10. Of the hashes of types stays what a type switch compares with, of their methods those that an interface asks for, of the
//     list of types by their names what somebody looks for (types.go). A type that no program gets hold of is named to the
//     runtime alone, which makes room by it: it loses its name, its fields and what compares (typeuse.go, typedrop.go).
//  11. The functions that are called most often come first, for their indices are short (arrange.go); the others lie beside
//     those that they are like, within the window of deflate (similar.go).
//
// It knows the layouts of Go 1.26. A module that has another shape is an error, and nothing is written. The linker's
// cmd/link/internal/ld/pcln.go and wasm/asm.go, the compiler's cmd/internal/obj/wasm/wasmobj.go and runtime/symtab.go
// are the sources of all that is assumed.
package main
