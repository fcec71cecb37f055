// Package pack has a run of versions in columns: small on the wire, on disk and in a backup, and quick to read. It says the same as
// a run of package history and leaves every verdict to it.
//
// # The model
//
// A PACK is some versions of one space, parents before children, of any number of authors:
//
//	┌─────────────────────────────────────────────┬──────────────────────────────────────────────┐
//	│ HEADER, in clear                            │ BODY, compressed: one COLUMN after the other │
//	│                                             │                                              │
//	│ counts, times, sizes                        │ runs    author A ×3, B ×2 (saw A's newest), …│
//	│ authors           A, B                      │ times   +1 s, +0, +2 s, …                    │
//	│ chains            A@5 … A@8, B@1 … B@2      │ keys    new, new, 1st, 1st, 2nd, …           │
//	│ externals         C@7                       │ codes   put ×5                               │
//	│ seals, certificates, erasures               │ bodies  …                                    │
//	└─────────────────────────────────────────────┴──────────────────────────────────────────────┘
//	     for who carries packs: what is in it,         for who reads versions: payload by payload the very
//	     what must be there before it                  bytes that were hashed are put together again
//
// A CHAIN is a stretch of one author's versions, each the Prev of the next; the header names the version BEFORE it and its TIP.
// An author that forked has a chain for each branch. An EXTERNAL is a parent that is neither in the pack nor before a chain.
// From these few ids all others are computed: none is in the body.
//
// A COLUMN holds one thing of all versions (or of all ops, …), which is alike and so compresses well. Numbers take 7 bits a
// byte. A column in which values REPEAT is pairs (how many times, value). A column that nothing needs is empty and costs nothing.
//
// An ERASURE is the proof that contents were erased, which are therefore not in the body: see history.Erasure. A pack may be
// nothing but such proofs.
//
// A PIN is a version whose id a later one will need although its chain will have gone on by then. The body says in
// advance which these are, so a reader keeps an id for each chain and each pin, and no more.
//
// # Invariants
//
//  1. What is read from a pack is, byte for byte, what was put in: versions, their order, the contents that were there.
//     A payload that the columns cannot say (no valid one) is kept whole.
//  2. The verdict on a version is that of history.Chain, on the version and its parents alone. An invalid version harms itself
//     and its descendants: the rest of its pack is read.
//  3. The same versions in the same order are the same header fields and columns. Compression may differ from one program to
//     another; nothing that is hashed or signed depends on it.
//  4. What the header says of the body is compared with the body by who reads it. What it says of versions outside of the pack is a
//     claim, to be compared with what is held.
//  5. Nothing is allocated on the word of a count, a ratio or a repetition: see the limits in errors.go. A Decoder takes at most 8
//     times the decompressed size, and besides one payload (1 MiB), or all of them where it keeps them, and 48 bytes for each pin
//     (MaxVersions at most).
//  6. The header is complete before the body is: a body may be encrypted with the header as associated data, under a codec of its own
//     (numbers from 2 on are free), and who only carries packs loses nothing.
//
// # Reading on
//
//	header.go                              what is said in clear
//	column.go time.go dictionary.go        numbers, columns, times, keys
//	skeleton.go                            chains, times and parents, as they are read
//	payloads.go splice.go                  payloads, as they are put together; what is typed
//	encode.go columns.go                   the other way
//	decode.go                              a Decoder: checks and hashes, for what comes from outside
//	reader.go                              a Reader: any version, or those of a key, for packs of one's own
//
// doc/packs.md has the bytes. Sources: columns per field with run lengths and deltas are those of the Automerge binary document
// format and of diamond-types' encoding (Gentle and Kleppmann, "Collaborative Text Editing with Eg-walker", 2025); the numbers are
// those of Protocol Buffers (base 128, zigzag); Zstandard is RFC 8878.
package pack
