// Command kdelta reads and writes one kdelta database from a shell: a file
// that keeps its data on the device and syncs with other files without losing
// anybody's write.
//
// # Model
//
// A run of the command is one short life of a replica:
//
//	arguments ──kong──▶ verb ──▶ replica ──▶ store/sqlite ──▶ FILE
//	                     │
//	                     ├──▶ standard output   data, and nothing else
//	                     └──▶ standard error    everything else
//
// The verb checks its arguments before it opens the file, does one thing with
// the replica, prints, and ends. Nothing stays running but what was started to
// do so, and there is nothing to set up: the first write makes the file.
//
// A NODE (start, sync --live) lives until it is told to end. It keeps links to
// the nodes that are remembered and lets others come; what any run of the
// command writes into the file goes over them. How they are it tells by a small
// file beside the database, which status and peers read.
//
// # Words
//
//   - KEY is NAMESPACE/KEY, split at the first slash.
//   - VALUE is JSON; "-" reads it from standard input.
//   - POINT is a moment of the past: an RFC 3339 time, one as it is shown, a
//     date, "5m ago", "now", AUTHOR@SEQ, a prefix of a version's id, or a tag.
//   - RANGE is A..B, what POINT B holds and POINT A does not; A.. and ..B do as well.
//   - TARGET is another database file, or the address of a node.
//
// # Invariants
//
//  1. Reading makes no file: on a database that does not exist get ends with
//     "not found" and list prints nothing.
//  2. What is refused for its arguments alone (a key, a value, a file to
//     import) is refused before anything is opened: no partial effect.
//  3. Standard output carries data only; the last line of standard error says
//     why a run failed, and what to do next.
//  4. The exit code is one of four: 0 done, 1 failed, 2 usage, 3 not found
//     (exit.go has the table).
//  5. --json prints one JSON object a line (diff an array), in UTC and with
//     authors by their 8-character key, whatever people call them.
//  6. A terminal receives no control character that is in the data.
//  7. A version that was printed is durable.
//
// # Files
//
// One file per verb; node.go, nodefile.go, link.go and target.go are what the
// verbs of sharing have in common. app.go holds what every verb is given (streams, clock,
// the way to open a store), grammar.go the command line itself, database.go
// the opening, exit.go errors and exit codes, text.go, style.go and shape.go
// what is printed and how, lanes.go and graph.go the drawing of log --graph.
package main
