package identity_test

import (
	"crypto/ed25519"
	"crypto/sha512"
	"math/big"
	"slices"
	"testing"

	"filippo.io/edwards25519"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// crafted is a seal whose signature was made to be judged in more than one way.
type crafted struct {
	seal  identity.Seal
	holds bool
	why   string
}

// craftedSeals are seals in a space, made with what no honest signer does.
func craftedSeals(t testing.TB, space identity.Space) []crafted {
	key, order8 := scalarOf(t, fill(9)), torsion(t)[1]
	public := new(edwards25519.Point).ScalarBaseMult(key)
	mixed := new(edwards25519.Point).Add(public, order8)
	nothing, honest := edwards25519.NewIdentityPoint(), authorKey(9).Seal(space, 1, fill(0x77))
	encodings := smallOrder(t)
	sign := func(author, nonce *edwards25519.Point) identity.Seal {
		return signWith(t, space, key, [32]byte(author.Bytes()), nonce)
	}
	changed := func(change func(*identity.Seal)) identity.Seal {
		s := honest
		change(&s)
		return s
	}
	return []crafted{
		{honest, true, "a seal as it is made"},
		{sign(public, nothing), true, "another nonce than that of RFC 8032"},
		{sign(mixed, nothing), true, "a key with a part of order 8"},
		{sign(public, order8), true, "an R with a part of order 8"},
		{sign(mixed, order8), true, "both with a part of order 8"},
		{anybodys(encodings[0], encodings[0]), true, "a key and an R of small order: it holds over everything"},
		{anybodys(encodings[0], [32]byte(public.Bytes())), false, "a key of small order, an R that is not, and s of nothing"},
		{anybodys([32]byte(public.Bytes()), encodings[0]), false, "an R of small order and s of nothing, by a key that is not"},
		{changed(func(s *identity.Seal) { s.Seq++ }), false, "over another seq"},
		{changed(func(s *identity.Seal) { s.Author[31] ^= 0x80 }), false, "the key with the other x"},
		{changed(func(s *identity.Seal) { s.Sig[31] ^= 0x80 }), false, "the R with the other x"},
		{changed(func(s *identity.Seal) { s.Author = notAPoint(t) }), false, "a key that is no point"},
		{changed(func(s *identity.Seal) { copy(s.Sig[:], bytesOf(notAPoint(t))) }), false, "an R that is no point"},
		{changed(func(s *identity.Seal) { addToS(s, groupOrder(t)) }), false, "s + L in place of s"},
		{changed(func(s *identity.Seal) { addToS(s, big.NewInt(1)) }), false, "s + 1: with the next the errors add up to nothing"},
		{changed(func(s *identity.Seal) { addToS(s, big.NewInt(-1)) }), false, "s - 1"},
		{func() identity.Seal {
			s := anybodys(encodings[0], encodings[0])
			addToS(&s, groupOrder(t))
			return s
		}(), false, "a key and an R of small order, s = L"},
		{changed(func(s *identity.Seal) { s.Sig = identity.Signature{} }), false, "a signature of zeros"},
	}
}

// anybodys is a seal that nobody has signed, with an R and s = 0.
func anybodys(author, r [32]byte) identity.Seal {
	s := identity.Seal{Author: author, Seq: 1, ID: fill(0x77)}
	copy(s.Sig[:], r[:])
	return s
}

// signWith signs as RFC 8032 does but for the author, which is the key's plus
// something, and the R, to which a point is added.
func signWith(t testing.TB, space identity.Space, key *edwards25519.Scalar, author [32]byte, add *edwards25519.Point) identity.Seal {
	nonce := scalarOf(t, fill(0x55))
	s := identity.Seal{Author: author, Seq: 1, ID: fill(0x77)}
	r := new(edwards25519.Point).ScalarBaseMult(nonce)
	copy(s.Sig[:], r.Add(r, add).Bytes())
	sum := sha512.Sum512(slices.Concat(s.Sig[:32], author[:], sealMessage(space, &s)))
	k, err := new(edwards25519.Scalar).SetUniformBytes(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	copy(s.Sig[32:], k.MultiplyAdd(k, key, nonce).Bytes())
	return s
}

// sealMessage is what a seal signs, as the format says.
func sealMessage(space identity.Space, s *identity.Seal) []byte {
	b := canon.AppendArray([]byte(identity.DomainSeal), 4)
	b = canon.AppendBytes(b, space[:])
	b = canon.AppendBytes(b, s.Author[:])
	b = canon.AppendUint(b, s.Seq)
	return canon.AppendBytes(b, s.ID[:])
}

// withoutCofactor is what the standard library says of a seal.
func withoutCofactor(space identity.Space, s *identity.Seal) bool {
	return ed25519.Verify(s.Author[:], sealMessage(space, s), s.Sig[:])
}

// scalarOf is the private scalar of a seed.
func scalarOf(t testing.TB, seed [32]byte) *edwards25519.Scalar {
	h := sha512.Sum512(seed[:])
	k, err := new(edwards25519.Scalar).SetBytesWithClamping(h[:32])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// torsion are the 8 points of small order, as multiples of one of order 8.
func torsion(t testing.TB) (points [8]*edwards25519.Point) {
	minusOne, err := new(edwards25519.Scalar).SetCanonicalBytes(littleEndian(new(big.Int).Sub(groupOrder(t), big.NewInt(1))))
	if err != nil {
		t.Fatal(err)
	}
	for y := byte(2); ; y++ {
		p, err := new(edwards25519.Point).SetBytes(bytesOf([32]byte{y}))
		if err != nil {
			continue
		}
		p.Add(new(edwards25519.Point).ScalarMult(minusOne, p), p) // times L
		points[0] = edwards25519.NewIdentityPoint()
		for i := range points[1:] {
			points[i+1] = new(edwards25519.Point).Add(points[i], p)
		}
		if points[4].Equal(points[0]) == 0 {
			return points
		}
	}
}

// smallOrder are the 14 encodings of the points of small order, 6 of which are
// not canonical: y above the field's prime, or the sign of an x that is 0.
func smallOrder(t testing.TB) (encodings [][32]byte) {
	prime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	for _, p := range torsion(t) {
		b := p.Bytes()
		b[31] &= 0x7f
		slices.Reverse(b)
		y := new(big.Int).SetBytes(b)
		for _, y := range []*big.Int{y, new(big.Int).Add(y, prime)} {
			if y.BitLen() > 255 {
				continue
			}
			for _, sign := range []byte{0, 0x80} {
				e := [32]byte(littleEndian(y))
				e[31] |= sign
				if !slices.Contains(encodings, e) {
					encodings = append(encodings, e)
				}
			}
		}
	}
	return encodings
}

// notAPoint is an encoding of no point of the curve.
func notAPoint(t testing.TB) (b [32]byte) {
	for ; b[0] < 0xff; b[0]++ {
		if _, err := new(edwards25519.Point).SetBytes(b[:]); err != nil {
			return b
		}
	}
	t.Fatal("all of them are points")
	return b
}

// groupOrder is L.
func groupOrder(t testing.TB) *big.Int {
	order, ok := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	if !ok {
		t.Fatal("no number")
	}
	return order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))
}

// addToS adds a number to the s of a signature.
func addToS(s *identity.Seal, n *big.Int) {
	b := slices.Clone(s.Sig[32:])
	slices.Reverse(b)
	copy(s.Sig[32:], littleEndian(n.Add(new(big.Int).SetBytes(b), n)))
}

func littleEndian(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

func bytesOf(b [32]byte) []byte { return b[:] }
