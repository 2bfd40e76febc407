// SPDX-License-Identifier: Apache-2.0

// Command interop is a workload written with go-spiffe. Each subcommand prints one JSON object a line on standard
// output, for the test that started it:
//
//	interop fetch              the X.509 context once, each SVID verified against its own trust domain's bundle
//	interop bundles            FetchX509Bundles once
//	interop follow N           every update until N serials were seen, and every watch error
//	interop source             an X509Source: "ready" when the constructor returns, then every update
//	interop jwt AUDIENCE N     tokens until N keys signed one, each verified here and by the daemon
//	interop wit N              WIT-SVIDs until N keys signed one, each verified here together with a proof by its key
//	interop oidc URL FILE AUDIENCE
//	                           a token verified by go-jose alone, with what the issuer URL serves and the roots in FILE
//	interop serve ID           an mTLS server that admits ID alone
//	interop call ADDR ID N     N mTLS requests, one connection each, to a server that must be ID
//	interop endpoint URL TD FILE [ID]
//	                           the bundle of an endpoint, by https_web with the roots in FILE, by https_spiffe with an ID
//
// The socket comes from SPIFFE_ENDPOINT_SOCKET.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		say(map[string]any{"event": "error", "error": err.Error()})
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "fetch":
		return fetch(ctx)
	case len(args) == 1 && args[0] == "bundles":
		return bundles(ctx)
	case len(args) == 2 && args[0] == "follow":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return follow(ctx, n)
	case len(args) == 1 && args[0] == "source":
		return source(ctx)
	case len(args) == 3 && args[0] == "jwt":
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return jwt(ctx, args[1], n)
	case len(args) == 2 && args[0] == "wit":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return wit(ctx, n)
	case len(args) == 4 && args[0] == "oidc":
		return oidc(ctx, args[1], args[2], args[3])
	case len(args) == 2 && args[0] == "serve":
		return serve(ctx, args[1])
	case len(args) == 4 && args[0] == "endpoint":
		return endpoint(ctx, args[1], args[2], args[3], "")
	case len(args) == 5 && args[0] == "endpoint":
		return endpoint(ctx, args[1], args[2], args[3], args[4])
	case len(args) == 4 && args[0] == "call":
		n, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		return call(ctx, args[1], args[2], n)
	}
	return fmt.Errorf("no such command: %q", args)
}

func say(what map[string]any) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
