package identity

import "errors"

// Sentinels of the signed records. Those of invites stand in invite.go, those
// of instances in instance.go.
var (
	// ErrMalformed says that bytes are not the canonical encoding of what they
	// were decoded as. Whoever sent them is broken or hostile: refuse them.
	ErrMalformed = errors.New("identity: malformed bytes")
	// ErrSignature says that a record is well formed and its signature is not
	// the claimed signer's. The record proves nothing: refuse it.
	ErrSignature = errors.New("identity: signature does not verify")
	// ErrOtherSpace says that a record belongs to another space than the one
	// it was checked against.
	ErrOtherSpace = errors.New("identity: made for another space")
	// ErrReadOnly says that a member holds no writer key. Ask a member who can
	// write for a read-write invite.
	ErrReadOnly = errors.New("identity: this member is read-only; join with a read-write invite to write")
)

// detail is a sentinel with what was wrong in this case and, where there is
// one, the error beneath. It stands in for fmt.Errorf, which this package does
// without to keep the WASM module small.
type detail struct {
	kind  error
	text  string
	cause error
}

func (d *detail) Error() string {
	s := d.kind.Error() + ": " + d.text
	if d.cause != nil {
		s += ": " + d.cause.Error()
	}
	return s
}

func (d *detail) Unwrap() []error {
	if d.cause == nil {
		return []error{d.kind}
	}
	return []error{d.kind, d.cause}
}

func malformed(what string, cause error) error {
	return &detail{kind: ErrMalformed, text: what, cause: cause}
}
