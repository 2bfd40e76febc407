// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// oidc fetches a token and verifies it with go-jose alone: by the key set that the issuer's discovery document names, as
// a verifier does that has never heard of SPIFFE. Then it must refuse the token for another audience, and a torn one.
func oidc(ctx context.Context, issuer, roots, audience string) error {
	client, err := workloadapi.New(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	svid, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: audience})
	if err != nil {
		return err
	}
	keys, err := discover(ctx, issuer, roots)
	if err != nil {
		return err
	}
	token := svid.Marshal()
	key, claims, err := verify(token, keys, issuer, audience)
	if err != nil {
		return err
	}
	if _, _, err := verify(token, keys, issuer, "another"); !errors.Is(err, josejwt.ErrInvalidAudience) {
		return fmt.Errorf("for another audience: %v", err)
	}
	torn := []byte(token)
	// The last characters may hold bits that mean nothing.
	if at := len(torn) - 10; torn[at] == 'A' {
		torn[at] = 'B'
	} else {
		torn[at] = 'A'
	}
	if _, _, err := verify(string(torn), keys, issuer, audience); !errors.Is(err, jose.ErrCryptoFailure) {
		return fmt.Errorf("torn: %v", err)
	}
	say(map[string]any{
		"event": "verified", "subject": claims.Subject, "algorithm": key.Algorithm, "use": key.Use, "kid": key.KeyID,
	})
	return nil
}

// discover gives the key set that the discovery document of issuer names.
func discover(ctx context.Context, issuer, roots string) (*jose.JSONWebKeySet, error) {
	pem, err := os.ReadFile(roots)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no roots")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var document struct {
		Issuer  string `json:"issuer"`
		JwksURI string `json:"jwks_uri"`
	}
	if err := getJSON(ctx, client, issuer+"/.well-known/openid-configuration", &document); err != nil {
		return nil, err
	}
	if document.Issuer != issuer {
		return nil, fmt.Errorf("the issuer is %q", document.Issuer)
	}
	keys := new(jose.JSONWebKeySet)
	return keys, getJSON(ctx, client, document.JwksURI, keys)
}

func getJSON(ctx context.Context, client *http.Client, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// verify goes by the algorithm that the key names, and by nothing that the token says of itself but its kid.
func verify(token string, keys *jose.JSONWebKeySet, issuer, audience string) (*jose.JSONWebKey, *josejwt.Claims, error) {
	kid := keyOf(token)
	found := keys.Key(kid)
	if len(found) != 1 {
		return nil, nil, fmt.Errorf("%d keys of kid %q", len(found), kid)
	}
	key := &found[0]
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
	if err != nil {
		return nil, nil, err
	}
	claims := new(josejwt.Claims)
	if err := parsed.Claims(key, claims); err != nil {
		return nil, nil, err
	}
	expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: time.Now()}
	return key, claims, claims.Validate(expected)
}
