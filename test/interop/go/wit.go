// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"errors"

	"github.com/go-jose/go-jose/v4"
	"github.com/spiffe/go-spiffe/v2/exp/bundle/witbundle"
	"github.com/spiffe/go-spiffe/v2/exp/svid/witsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// wit follows the WIT-SVIDs until n keys of the issuer have signed one. Each is verified by go-spiffe with the bundles of
// then, and its key has to sign what the key that the token names verifies.
func wit(ctx context.Context, n int) error {
	client, err := workloadapi.New(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watcher := &witWatcher{ctx: ctx, client: client, n: n, kids: map[string]bool{}, done: cancel}
	err = client.WatchWITSVIDs(ctx, watcher, "")
	if watcher.err != nil {
		return watcher.err
	}
	if !errors.Is(err, context.Canceled) && err != nil && len(watcher.kids) < n {
		return err
	}
	say(map[string]any{"event": "done", "keys": len(watcher.kids), "watchErrors": watcher.watchErrors})
	return nil
}

type witWatcher struct {
	ctx         context.Context
	client      *workloadapi.Client
	n           int
	kids        map[string]bool
	watchErrors int
	err         error
	done        func()
}

func (w *witWatcher) OnWITSVIDsUpdate(svids []*witsvid.SVID) {
	if w.ctx.Err() != nil {
		return
	}
	bundles, err := w.client.FetchWITBundles(w.ctx)
	if err != nil {
		w.fail(err)
		return
	}
	for _, svid := range svids {
		if err := proven(svid, bundles); err != nil {
			w.fail(err)
			return
		}
		w.kids[svid.KeyID] = true
		say(map[string]any{
			"event": "wit", "id": svid.ID.String(), "kid": svid.KeyID, "hint": svid.Hint, "expiry": svid.Expiry.UnixMilli(),
			"bundles": bundles.Len(),
		})
	}
	if len(w.kids) >= w.n {
		w.done()
	}
}

func (w *witWatcher) OnWITSVIDsWatchError(err error) {
	if w.ctx.Err() == nil {
		w.watchErrors++
	}
}

func (w *witWatcher) fail(err error) {
	w.err = err
	w.done()
}

// proven verifies token and proof, as the service that it is shown to would.
func proven(svid *witsvid.SVID, bundles witbundle.Source) error {
	checked, err := witsvid.ParseAndValidate(svid.Marshal(), bundles)
	if err != nil {
		return err
	}
	if _, ok := checked.PublicKey.(*ecdsa.PublicKey); !ok {
		return errors.New("the token names no EC key")
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: svid.PrivateKey}, nil)
	if err != nil {
		return err
	}
	proof, err := signer.Sign([]byte("this request"))
	if err != nil {
		return err
	}
	_, err = proof.Verify(checked.PublicKey)
	return err
}
