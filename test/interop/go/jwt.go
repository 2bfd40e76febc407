// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// jwt fetches tokens for an audience and verifies each with go-spiffe itself and with the daemon, until n keys have
// signed one. Every token that was fetched is verified with a source that follows the bundles.
func jwt(ctx context.Context, audience string, n int) error {
	source, err := workloadapi.NewJWTSource(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	client, err := workloadapi.New(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	keys := map[string]bool{}
	for len(keys) < n {
		svids, err := client.FetchJWTSVIDs(ctx, jwtsvid.Params{Audience: audience})
		if err != nil {
			return err
		}
		for _, svid := range svids {
			token := svid.Marshal()
			offline, err := jwtsvid.ParseAndValidate(token, source, []string{audience})
			if err != nil {
				return err
			}
			online, err := client.ValidateJWTSVID(ctx, token, audience)
			if err != nil {
				return err
			}
			kid := keyOf(token)
			keys[kid] = true
			say(map[string]any{
				"event": "token", "id": offline.ID.String(), "online": online.ID.String(), "audience": svid.Audience,
				"kid": kid, "expiry": svid.Expiry.UnixMilli(), "hint": svid.Hint,
			})
		}
		time.Sleep(250 * time.Millisecond)
	}
	say(map[string]any{"event": "done", "keys": len(keys)})
	return nil
}

// keyOf is the kid of a token that has been verified.
func keyOf(token string) string {
	parsed, err := josejwt.ParseSigned(token, allAlgorithms)
	if err != nil {
		panic(err)
	}
	return parsed.Headers[0].KeyID
}

var allAlgorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.PS256,
}
