// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// endpoint fetches a bundle as go-spiffe's federation client does. With an ID the endpoint proves itself by that ID and
// the bundle in the file (https_spiffe), without one by the certificates in it (https_web).
func endpoint(ctx context.Context, url, domain, file, id string) error {
	td, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		return err
	}
	option, err := authentication(td, file, id)
	if err != nil {
		return err
	}
	bundle, err := federation.FetchBundle(ctx, td, url, option)
	if err != nil {
		return err
	}
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	say(map[string]any{
		"event":       "bundle",
		"authorities": len(bundle.X509Authorities()),
		"jwtKeys":     len(bundle.JWTAuthorities()),
		"sequence":    sequence,
		"hint":        hint.Seconds(),
	})
	return nil
}

func authentication(td spiffeid.TrustDomain, file, id string) (federation.FetchOption, error) {
	if id != "" {
		server, err := spiffeid.FromString(id)
		if err != nil {
			return nil, err
		}
		known, err := spiffebundle.Load(td, file)
		if err != nil {
			return nil, err
		}
		return federation.WithSPIFFEAuth(known.X509Bundle(), server), nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", file)
	}
	return federation.WithWebPKIRoots(roots), nil
}
