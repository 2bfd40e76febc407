// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc/status"
)

func fetch(ctx context.Context) error {
	update, err := workloadapi.FetchX509Context(ctx)
	if err != nil {
		return err
	}
	return sayContext("fetched", update)
}

func bundles(ctx context.Context) error {
	set, err := workloadapi.FetchX509Bundles(ctx)
	if err != nil {
		return err
	}
	say(map[string]any{"event": "bundles", "bundles": describeSet(set)})
	return nil
}

// sayContext prints an update after verifying every chain in it against the anchors of its own trust domain.
func sayContext(event string, update *workloadapi.X509Context) error {
	svids := []map[string]any{}
	for _, svid := range update.SVIDs {
		id, _, err := x509svid.Verify(svid.Certificates, update.Bundles)
		if err != nil {
			return err
		}
		leaf := svid.Certificates[0]
		svids = append(svids, map[string]any{
			"id":        id.String(),
			"serial":    leaf.SerialNumber.Text(16),
			"hint":      svid.Hint,
			"dns":       leaf.DNSNames,
			"notBefore": leaf.NotBefore.UnixMilli(),
			"notAfter":  leaf.NotAfter.UnixMilli(),
		})
	}
	say(map[string]any{"event": event, "svids": svids, "bundles": describeSet(update.Bundles)})
	return nil
}

func describeSet(set *x509bundle.Set) map[string]int {
	anchors := map[string]int{}
	for _, bundle := range set.Bundles() {
		anchors[bundle.TrustDomain().IDString()] = len(bundle.X509Authorities())
	}
	return anchors
}

// follower prints what a watch brings and ends it after enough serials.
type follower struct {
	mu      sync.Mutex
	serials map[string]bool
	want    int
	stop    context.CancelFunc
	failed  error
	ctx     context.Context
}

func (f *follower) OnX509ContextUpdate(update *workloadapi.X509Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := sayContext("update", update); err != nil {
		f.failed = err
		f.stop()
		return
	}
	f.serials[update.SVIDs[0].Certificates[0].SerialNumber.Text(16)] = true
	if len(f.serials) >= f.want {
		f.stop()
	}
}

func (f *follower) OnX509ContextWatchError(err error) {
	if f.ctx.Err() != nil {
		// We ended it ourselves.
		return
	}
	say(map[string]any{"event": "watch-error", "code": status.Code(err).String(), "error": err.Error()})
}

func follow(ctx context.Context, want int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f := &follower{serials: map[string]bool{}, want: want, stop: stop, ctx: ctx}
	err := workloadapi.WatchX509Context(ctx, f)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	if len(f.serials) >= want {
		say(map[string]any{"event": "done", "serials": len(f.serials)})
		return nil
	}
	// The watch gave up by itself: CANCELLED and INVALID_ARGUMENT do that (CLI-17).
	say(map[string]any{"event": "watch-ended", "code": status.Code(err).String()})
	return err
}

func source(ctx context.Context) error {
	say(map[string]any{"event": "waiting"})
	src, err := workloadapi.NewX509Source(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	say(map[string]any{"event": "ready"})
	for {
		svid, err := src.GetX509SVID()
		if err != nil {
			return err
		}
		say(map[string]any{
			"event":  "svid",
			"id":     svid.ID.String(),
			"serial": svid.Certificates[0].SerialNumber.Text(16),
		})
		select {
		case <-ctx.Done():
			return nil
		case <-src.Updated():
		}
	}
}
