package store

// Sidecar is an optional ability of stores that are a file which people copy, restore and move behind the back of the
// program that owns it. A small second file lies beside the database and moves with nobody's copy of it, so that the
// two disagree after a copy or a rollback. Which bytes it holds and what a disagreement means is decided above the
// store (package identity); the store only keeps the bytes and says what the platform knows.
type Sidecar interface {
	// FileIdentity names the file itself, as "device:inode" in decimal: equal for the same file after a rename, other
	// for a copy. It is empty where the platform has no such thing.
	FileIdentity() (string, error)
	// BootID names the running boot of the machine, or is empty where the platform does not tell.
	BootID() string
	// ReadSidecar returns what WriteSidecar kept last, or nil and no error where there is no sidecar. A file that
	// was not written by WriteSidecar is returned as it is up to 64 KiB: its checksum is the reader's affair.
	ReadSidecar() ([]byte, error)
	// WriteSidecar replaces the sidecar, atomically and durably: after a crash at any instant ReadSidecar returns
	// the old bytes or the new ones, and once WriteSidecar has returned nil, the new ones.
	WriteSidecar(b []byte) error
	// Durable reports whether a commit survives a power cut (S4), which decides what an unclean close may have lost.
	Durable() bool
}
