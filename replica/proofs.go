package replica

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
)

// proofs are the signatures of a pack that have to be checked. That takes a while where a peer sends many of them, and nobody
// has to wait for it: it needs no transaction.
type proofs struct {
	space        identity.Space
	seals        []identity.Seal
	certificates []identity.Certificate
	erasures     []history.Erasure
}

// proved are the proofs that hold.
type proved struct {
	// certificates are those of authors that are new here.
	certificates map[identity.Author]identity.Certificate
	// sealed are the ids that a valid seal is over.
	sealed map[history.ID]identity.Seal
	// erasures are those whose seals are valid.
	erasures []history.Erasure
}

// proofsIn are those of a pack, but for seals whose signature is stored here, certificates of authors that are known, and
// erasures that are.
func (s *snap) proofsIn(h *pack.Header) (proofs, error) {
	p := proofs{space: s.space, seals: make([]identity.Seal, 0, len(h.Seals))}
	for _, seal := range h.Seals {
		kept, here, err := s.keptSeal(seal.Author, seal.Seq, seal.ID)
		if err != nil {
			return proofs{}, err
		}
		if !here || kept.Sig != seal.Sig { // the very signature that is here was checked, and vouches for nothing that is new
			p.seals = append(p.seals, seal)
		}
	}
	for _, cert := range h.Certificates {
		if len(s.byAuthor[cert.Author]) == 0 {
			p.certificates = append(p.certificates, cert)
		}
	}
	for _, e := range h.Erasures {
		known, err := isProved(s.tx, e.Stamp().Entry())
		if err != nil {
			return proofs{}, err
		}
		if !known {
			p.erasures = append(p.erasures, e)
		}
	}
	return p, nil
}

// check verifies them. A signature costs as much as some hundred versions, so many of them are shared out among the processors.
func (p *proofs) check() proved {
	out := proved{
		sealed:       make(map[history.ID]identity.Seal, len(p.seals)),
		certificates: make(map[identity.Author]identity.Certificate, len(p.certificates)),
	}
	good := inParallel(len(p.seals), func(i int) bool { return p.seals[i].Verify(p.space) == nil })
	for i, s := range p.seals {
		if good[i] {
			out.sealed[s.ID] = s
		}
	}
	good = inParallel(len(p.erasures), func(i int) bool { return p.erasures[i].Seal().Verify(p.space) == nil })
	for i, e := range p.erasures {
		if good[i] {
			out.erasures = append(out.erasures, e)
		}
	}
	if len(p.certificates) == 0 {
		return out
	}
	// Mostly one grant stands behind all of them.
	grant := p.certificates[0].Grant
	granted := grant.Verify(p.space) == nil
	good = inParallel(len(p.certificates), func(i int) bool {
		if granted && p.certificates[i].Grant == grant {
			return p.certificates[i].VerifyUnder(grant) == nil
		}
		return p.certificates[i].Verify(p.space) == nil
	})
	for i, cert := range p.certificates {
		if good[i] {
			out.certificates[cert.Author] = cert
		}
	}
	return out
}

// inParallel asks check about each of n things, on all processors if they are many.
func inParallel(n int, check func(int) bool) []bool {
	out := make([]bool, n)
	workers := min(runtime.GOMAXPROCS(0), n/8)
	if oneProcessor || workers < 2 {
		for i := range out {
			out[i] = check(i)
		}
		return out
	}
	var wg sync.WaitGroup
	var next atomic.Int64 // whoever is free takes the next: a processor may have other things to do
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				out[i] = check(int(i))
			}
		})
	}
	wg.Wait()
	return out
}
