// Package zstd is the one door to Zstandard (RFC 8878), which github.com/klauspost/compress implements.
//
// # The model
//
// A BLOCK is bytes in memory, whole, of a size that is known on both sides. Compress and Decompress start no goroutine, and
// what Decompress writes and allocates is bounded by what its caller says the size is, whatever the compressed bytes
// claim.
//
// A SAMPLE tells of a block that it is noise, as pictures and archives are to whoever would compress them, for a fiftieth of what the try costs.
//
// Coders take up to a megabyte of tables each, but a fast encoder a quarter of one, an encoder two more of what it has seen; a few are kept for the next call (sync.Pool). They carry nothing
// from one call to the next: equal input gives equal output.
//
// In a browser (js/wasm) Compress says that it cannot: the encoder is a tenth of what a page must fetch, and what a browser
// writes is small. It reads what others have compressed.
package zstd
