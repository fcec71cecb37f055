// Command kdelta is kdelta's side of the comparison with other libraries, which bench/peers/main.js drives.
//
// It does one piece of work and prints what it measured as JSON, as worker.js does for a peer: the same works under the same
// names, on the same sessions, kept between works in the same files. So it runs natively, and as WASM under node, which is
// where most peers run.
//
//	kdelta local|typed|merge|apply|load FOLDER TRACE
//	kdelta set|catchUp|reconnect|live|concurrent|authors FOLDER
//
// Text is measured at its engine, package crdt/sequence; where it is typed live, with a hashed version for each transaction.
// Maps are measured through the whole library over a store in memory, where each version is sealed and judged besides.
package main
