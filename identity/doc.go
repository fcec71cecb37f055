// Package identity says who may write in a space, who wrote a version, and
// whether a database file is still the one that its author stands for. It is
// pure arithmetic on keys and records: no file, no network, no clock;
// randomness is an io.Reader that the caller hands in.
//
// # Words
//
//   - An author is an Ed25519 public key, one per database instance: not a
//     person and not a device. Every version names its author.
//   - A space is the set of replicas that share data. Its id is the
//     fingerprint of a root public key made at its creation.
//   - An epoch is a period of a space with one secret, which all members hold,
//     and one writer key, which those who may write hold too.
//   - A grant is the root's signature over an epoch's writer key; a
//     certificate is a grant and the writer's signature over an author.
//   - A seal is an author's signature over its newest version.
//   - An invite is one string that makes its reader a member.
//   - An instance is what a database remembers of itself; the copy of it in a
//     small file beside the database is the sidecar.
//
// # Who vouches for whom
//
//	root key ──grant──▶ writer key ──certificate──▶ author key ──seal──▶ version
//	    │                   │                           │
//	 SHA-256          one per epoch, in           one per database
//	    ▼             read-write invites          instance, never
//	 space id                                     leaves it
//
//	epoch secret ──HKDF──▶ noise key, room id, room read key, pack key
//
// Somebody who knows nothing but the id of a space can check the whole chain
// from a certificate and a seal. A read-only member holds the epoch secret, so
// it can connect and decrypt, and has nothing to certify an author with.
//
// # Invariants
//
//  1. One meaning, one encoding. Every record has one canonical encoding
//     (strict MessagePack); decoders refuse everything else, so equal records
//     are equal bytes on every replica.
//  2. One purpose a signature. What is signed is a domain,
//     kdelta/PURPOSE/FORMAT, followed by a canonical array. The first byte of
//     the array, 0x90 to 0x9f, is no character of a domain, so no signature
//     can be read as one for another domain. Sign and Verify refuse other
//     bodies.
//  3. One space a signature. Every body of this package names its space, and
//     grants and certificates their epoch: nothing can be replayed elsewhere.
//  4. Valid or not is the same verdict everywhere. A signature is made as RFC
//     8032 says and holds if ZIP 215 says so: the equation with the cofactor,
//     any encoding of a point, s canonical. So many are verified in one sum,
//     which says of each what it says by itself (VerifyEach); without the
//     cofactor it would not. The verdict depends on no clock and no revocation:
//     a new epoch ends sessions, never versions.
//  5. Equal randomness, equal keys. A key takes exactly 32 bytes from its
//     reader, a space exactly 96.
//  6. No secret shows by accident. Keys, members and invites print without
//     their secrets; what returns secret bytes is named for it (Seed,
//     Append, Text).
//  7. One author writes from one place. An author goes on only while Judge
//     says Same.
//
// # Keys of small order
//
// There are 14 encodings of 8 points of which everybody can sign in the name.
// Whoever grants, certifies or names one does what one does who tells everybody
// a private key of his own, which nobody can prevent. So nothing looks for
// them, and nothing is built on a signature being over one message only: what
// is looked up is the message, never the signature alone.
//
// # Copies and rollbacks
//
// A dot (author, seq) must name one version for ever. Two files that write
// under one author break that, and a file cannot see from inside that it was
// copied or set back. So the same Instance is kept twice, inside the database
// and in the sidecar beside it, and Judge compares the two at every open,
// first row that fits:
//
//	database    sidecar                            verdict      author
//	no record   any                                New          new
//	record      none, or damaged                   Copied       new
//	record      another nonce or author            Copied       new
//	record      file identity in either is not     Copied       new
//	            that of the file now
//	record      opens above the database's         RolledBack   new
//	record      handed out (in either) above the   RolledBack   new
//	            author's tip
//	record      agrees; a record not clean, last   Unsure       new
//	            run not durable, and the system
//	            restarted or cannot tell
//	record      agrees                             Same         kept
//
// The table is safe only with this order of writes:
//
//   - Open: judge, then raise Opens and clear Clean in the database first, in
//     the sidecar second. A crash between leaves the database ahead, which is
//     no rollback. A new author gets a new nonce; a crash between its two
//     writes reads as Copied and mints once more.
//   - Hand-out: raise HandedOut in the sidecar, durably, before the first byte
//     leaves.
//   - Close: set Clean in the database first, in the sidecar second, by the
//     last process that holds the file only.
//
// A new author costs a few hundred bytes; a shared one costs a fork. So every
// doubt ends in a new author. What no comparison can see is a database set
// back together with its sidecar in the same inodes, as a snapshot of a
// virtual machine does, or set back in place to a copy taken within its last
// open: such a fork is found by the sync protocol when its two branches meet.
package identity
