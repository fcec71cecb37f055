// Package kdelta is the map of the house; it holds no code. kdelta is a library
// with which an application keeps its data on the device, works offline, and
// syncs with other devices without losing anybody's write. Every write is a
// version in a causal DAG, so history, time travel, diff, blame and conflicts
// come with it.
//
// # The thought
//
// A version never changes. Everything below replica is arithmetic on facts;
// everything beside it carries bytes; replica alone joins the two. So the core
// compiles to WASM by construction, and no transport can see into a document.
//
// # The floors
//
//	8  cmd/kdelta   browser   examples           choose adapters, print
//	7  httpapi   relay                           serve one replica | rooms of packs
//	6  replica                                   the composer: goroutines, locks, options
//	5  protocol                                  the conversation of two replicas, without I/O
//	4  store   store/sqlite   store/memory       the persistence contract and its adapters
//	3  history   history/pack   query            versions, DAG | packs | questions about values
//	2  crdt   crdt/clock   crdt/sequence         values, clocks, merge laws; text and lists
//	1  internal/canon   internal/msgpack         bytes | Go values
//	   identity                                  keys and signatures
//	   transport   transport/pipe                links of opaque frames, within a process
//	   transport/ws   transport/noise            over websockets, encrypted
//	0  internal/order   internal/zstd            sorting | compression, for all floors
//	   internal/temporary                        names of files that are not whole yet
//
// An arrow only points down. The laws are a test, house_test.go, which prints
// its reason whenever it refuses something. Not every room of the plan is built
// yet; a new package chooses its floor there first.
//
// # Two trips, each one way
//
// A write: replica, crdt, history (a new version and its id), store, then Watch
// and every live session.
//
// A sync: transport, protocol (limits first), history (verify), store, crdt
// (when state is folded), then Watch.
//
// # Reading order
//
// Half a day, in this order: crdt/clock, crdt, history, protocol, replica. Each
// package opens with a doc.go that explains the model before the API. Words
// have one meaning each: doc/glossary.md. Why things are as they are:
// doc/decisions.
//
// # Proving your own part
//
// Each seam has a public proof kit that a third party runs against its own
// implementation: crdt/crdttest for a merge strategy, store/storetest for a
// store, transport/transporttest for a link, replica/replicatest for the whole.
package kdelta
