package main

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A progress is a bar on standard error while a person looks at it. Its zero value shows nothing.
type progress struct {
	area *mpb.Progress
	bar  *mpb.Bar
}

// progress starts a bar of total steps; a total of 0 is one that at will tell. Nothing is drawn where standard error is
// no terminal.
func (a *app) progress(what string, total int) *progress {
	if !a.stderrTTY {
		return &progress{}
	}
	area := mpb.New(mpb.WithOutput(a.stderr), mpb.WithWidth(40))
	bar := area.AddBar(int64(total),
		mpb.PrependDecorators(decor.Name(what+" ")),
		mpb.AppendDecorators(decor.CountersNoUnit("%d / %d "), decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "")),
		mpb.BarRemoveOnComplete(),
	)
	return &progress{area: area, bar: bar}
}

// step says that n more steps are done.
func (p *progress) step(n int) {
	if p.bar != nil {
		p.bar.IncrBy(n)
	}
}

// at says how many steps are done, and of how many.
func (p *progress) at(done, total uint64) {
	if p.bar != nil {
		p.bar.SetTotal(int64(total), false)
		p.bar.SetCurrent(int64(done))
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(true)
	p.area.Wait()
}
