package identity

import "github.com/kdelta/kdelta/internal/canon"

// Seal is an author's signature over its newest version. The id of a version
// commits to its whole past, so one seal vouches for everything before it.
//
//	encoding   [author, seq, id, sig]
//	signed     "kdelta/seal/0" [space, author, seq, id]
type Seal struct {
	Author Author
	// Seq is the version's last dot.
	Seq uint64
	// ID is the version's id.
	ID  [32]byte
	Sig Signature
}

// Seal signs the version of k's author whose last dot is seq.
func (k AuthorKey) Seal(space Space, seq uint64, id [32]byte) Seal {
	s := Seal{Author: k.Author(), Seq: seq, ID: id}
	s.Sig = k.Sign(DomainSeal, s.body(space))
	return s
}

// Verify returns nil if s is its author's signature within space, and
// ErrSignature otherwise: forged, damaged or made for another space. Whether
// the author may write in the space is the certificate's matter.
func (s Seal) Verify(space Space) error {
	if c := s.claim(space); !c.holds() {
		return &detail{kind: ErrSignature, text: "seal of author " + s.Author.String()}
	}
	return nil
}

func (s Seal) claim(space Space) claim {
	return newClaim(s.Author, DomainSeal, s.body(space), s.Sig)
}

func (s Seal) under() (Grant, bool) { return Grant{}, false }

func (s Seal) body(space Space) []byte {
	b := canon.AppendArray(make([]byte, 0, 128), 4)
	b = canon.AppendBytes(b, space[:])
	b = canon.AppendBytes(b, s.Author[:])
	b = canon.AppendUint(b, s.Seq)
	return canon.AppendBytes(b, s.ID[:])
}

// Append appends the canonical encoding of s, at most 144 bytes.
func (s Seal) Append(dst []byte) []byte {
	dst = canon.AppendArray(dst, 4)
	dst = canon.AppendBytes(dst, s.Author[:])
	dst = canon.AppendUint(dst, s.Seq)
	dst = canon.AppendBytes(dst, s.ID[:])
	return canon.AppendBytes(dst, s.Sig[:])
}

// DecodeSeal is the strict inverse of Append: all of b, one encoding, or
// ErrMalformed. It does not verify.
func DecodeSeal(b []byte) (Seal, error) {
	d := newDecoder("seal", b)
	d.array(4)
	s := Seal{Author: d.bytes32(), Seq: d.uint(), ID: d.bytes32(), Sig: d.signature()}
	if err := d.end(); err != nil {
		return Seal{}, err
	}
	return s, nil
}
