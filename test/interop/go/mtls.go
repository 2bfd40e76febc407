// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

func serve(ctx context.Context, admitted string) error {
	id, err := spiffeid.FromString(admitted)
	if err != nil {
		return err
	}
	src, err := workloadapi.NewX509Source(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	config := tlsconfig.MTLSServerConfig(src, src, tlsconfig.AuthorizeID(id))
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	say(map[string]any{"event": "listening", "address": listener.Addr().String()})
	server := &http.Server{Handler: http.HandlerFunc(answer), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// answer tells the caller whom the server took it for.
func answer(w http.ResponseWriter, r *http.Request) {
	leaf := r.TLS.PeerCertificates[0]
	id, err := x509svid.IDFromCert(leaf)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	fmt.Fprintf(w, "%s %s", id, leaf.SerialNumber.Text(16))
}

func call(ctx context.Context, address, expected string, times int) error {
	id, err := spiffeid.FromString(expected)
	if err != nil {
		return err
	}
	src, err := workloadapi.NewX509Source(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	config := tlsconfig.MTLSClientConfig(src, src, tlsconfig.AuthorizeID(id))
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
	}
	for i := 0; i < times; i++ {
		if err := callOnce(ctx, client, address); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}

func callOnce(ctx context.Context, client *http.Client, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	leaf := response.TLS.PeerCertificates[0]
	say(map[string]any{
		"event":  "answered",
		"status": response.StatusCode,
		"body":   string(body),
		"server": leaf.SerialNumber.Text(16),
	})
	return nil
}
