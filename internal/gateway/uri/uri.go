// Package uri reads what the URIs of integrations and authorizers lead to.
package uri

import "strings"

// Function returns the ARN of the function that an integration's URI names,
// or "". It may hold variables of the stage.
func Function(uri string) string {
	for _, form := range [][2]string{
		{":lambda:path/2015-03-31/functions/", "/invocations"}, {":lambda:path/2021-11-15/functions/", "/response-streaming-invocations"},
	} {
		if _, after, ok := strings.Cut(uri, form[0]); ok && strings.HasPrefix(uri, "arn:aws:apigateway:") {
			if uri, ok = strings.CutSuffix(after, form[1]); !ok {
				return ""
			}
		}
	}
	if !strings.HasPrefix(uri, "arn:aws:lambda:") || !strings.Contains(uri, ":function:") {
		return ""
	}
	return uri
}

// Fill puts the variables of a stage in a URI: ${stageVariables.name}.
func Fill(uri string, variables map[string]string) string {
	if !strings.Contains(uri, "${") {
		return uri
	}
	pairs := make([]string, 0, 2*len(variables))
	for name, value := range variables {
		pairs = append(pairs, "${stageVariables."+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(uri)
}
