package identity_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
)

// Of what was made to be judged in more than one way there is one verdict: that
// of ZIP 215.
func TestCrafted(t *testing.T) {
	space := newMember(t, 1).Space()
	differ := 0
	for _, c := range craftedSeals(t, space) {
		if holds := c.seal.Verify(space) == nil; holds != c.holds {
			t.Errorf("%s: holds is %v", c.why, holds)
		}
		if c.holds != withoutCofactor(space, &c.seal) {
			differ++
		}
	}
	if differ < 2 {
		t.Errorf("the equation without the cofactor says otherwise of %d: they try nothing", differ)
	}
}

// Keys and Rs of small order, in every encoding, hold together over everything:
// 14 by 14.
func TestSmallOrder(t *testing.T) {
	space := newMember(t, 1).Space()
	encodings := smallOrder(t)
	if len(encodings) != 14 {
		t.Fatalf("%d encodings of points of small order, 14 are due", len(encodings))
	}
	var records []identity.Record
	refused := 0
	for _, author := range encodings {
		for _, r := range encodings {
			s := anybodys(author, r)
			if s.Verify(space) != nil {
				t.Errorf("key %x, R %x: %v", author, r, s.Verify(space))
			}
			if !withoutCofactor(space, &s) {
				refused++
			}
			records = append(records, s)
		}
	}
	if slices.Contains(identity.VerifyEach(space, records), false) {
		t.Error("one of them does not hold in a batch")
	}
	if refused == 0 {
		t.Error("they hold without the cofactor as well: they try nothing")
	}
}

// recordsOfAllKinds are good and bad ones: seals, grants and certificates.
func recordsOfAllKinds(t testing.TB, space identity.Space) (records []identity.Record) {
	for _, c := range craftedSeals(t, space) {
		records = append(records, c.seal)
	}
	for i := range byte(4) {
		records = append(records, authorKey(i).Seal(space, uint64(i)+1, fill(i)))
	}
	root, writer := identity.RootKeyFromSeed(fill(1)), identity.WriterKeyFromSeed(fill(2))
	first, second := root.Grant(1, writer.Writer()), root.Grant(2, writer.Writer())
	forged, elsewhere := first, identity.RootKeyFromSeed(fill(7)).Grant(1, writer.Writer())
	forged.Epoch = 3
	for _, g := range []identity.Grant{first, second, forged, elsewhere, root.Grant(0, writer.Writer())} {
		records = append(records, g)
		for i := range byte(3) {
			cert := writer.Certify(g, authorKey(i).Author())
			records = append(records, &cert)
		}
		bad := writer.Certify(g, authorKey(4).Author())
		bad.Author[0]++
		records = append(records, bad)
	}
	return records
}

// Batches of whatever mixture say of each record what it says by itself.
func TestVerifyEachAgrees(t *testing.T) {
	space := newMember(t, 1).Space()
	kinds := recordsOfAllKinds(t, space)
	verdicts := make([]bool, len(kinds))
	for i, r := range kinds {
		verdicts[i] = r.Verify(space) == nil
	}
	if good := len(slices.DeleteFunc(slices.Clone(verdicts), func(holds bool) bool { return !holds })); good < 10 || good > len(kinds)-10 {
		t.Fatalf("%d of %d hold: that tries too little", good, len(kinds))
	}
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.IntRange(0, len(kinds)-1), 0, 2*identity.BatchSize+3).Draw(t, "kinds")
		var records []identity.Record
		var want []bool
		for _, i := range drawn {
			records, want = append(records, kinds[i]), append(want, verdicts[i])
		}
		if got := identity.VerifyEach(space, records); !slices.Equal(got, want) {
			t.Fatalf("together %v\nby themselves %v", got, want)
		}
	})
}
