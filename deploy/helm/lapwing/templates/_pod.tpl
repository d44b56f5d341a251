{{/* (list $ values component): what all pods share. Values of the component replace those for all. */}}
{{- define "lapwing.podSettings" -}}
{{- $root := index . 0 }}{{ $values := index . 1 }}{{ $component := index . 2 -}}
{{- if eq $component "pods" }}
# The only one with rights in the cluster, and so with a token.
serviceAccountName: {{ include "lapwing.fullname" $root }}-pods
automountServiceAccountToken: true
{{- else }}
serviceAccountName: {{ include "lapwing.serviceAccount" $root }}
automountServiceAccountToken: false
{{- end }}
enableServiceLinks: false
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with default $root.Values.nodeSelector $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $root.Values.tolerations $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "lapwing.affinity" . }}
affinity:
  {{- . | nindent 2 }}
{{- end }}
{{- if $root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range $root.Values.topologySpread.topologyKeys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "lapwing.selector" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $component }}
  {{- end }}
{{- end }}
{{- end }}

{{/* (list $ values component): what the values say, and over zones by preference: the scheduler counts no node that lacks one of the keys of topologySpreadConstraints, and
not all clusters have zones. */}}
{{- define "lapwing.affinity" -}}
{{- $root := index . 0 }}{{ $values := index . 1 }}{{ $component := index . 2 }}{{ $affinity := default $root.Values.affinity $values.affinity -}}
{{- with $affinity }}
{{- toYaml . }}
{{- end }}
{{- if and $root.Values.topologySpread.enabled (not (hasKey (default dict $affinity) "podAntiAffinity")) }}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: topology.kubernetes.io/zone
        labelSelector:
          matchLabels:
            {{- include "lapwing.selector" $root | nindent 12 }}
            app.kubernetes.io/component: {{ $component }}
{{- end }}
{{- end }}

{{/* (list $ values component): image, security and environment of a container. */}}
{{- define "lapwing.containerSettings" -}}
{{- $root := index . 0 }}{{ $values := index . 1 }}{{ $component := index . 2 -}}
image: {{ include "lapwing.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml $root.Values.securityContext | nindent 2 }}
env:
  - {name: LAPWING_CONFIG, value: /etc/lapwing/lapwing.yaml}
  {{- with include "lapwing.heapMegabytes" (default dict $values.resources) }}
  - {name: NODE_OPTIONS, value: "--max-old-space-size={{ . }}"}
  {{- end }}
  {{- with concat $root.Values.extraEnv (default list $values.extraEnv) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if or $values.existingSecret $values.secretEnv }}
envFrom:
  - secretRef:
      name: {{ default (printf "%s-%s" (include "lapwing.fullname" $root) $component) $values.existingSecret }}
{{- end }}
{{- end }}

{{/* (list $ service): the port for pushes over TLS, where there is one. */}}
{{- define "lapwing.pushTlsPort" -}}
{{- $tls := dig "ingestor" "remote_write" "tls" dict (index . 0).Values.config }}
{{- if and $tls (eq (index . 1) "ingestor") }}{{ default 8443 $tls.port | int }}{{ end }}
{{- end }}

{{/* Half of the memory limit: left to itself, Node takes a quarter of it for its heap. The rest is for what lies outside, such as states and buffers. */}}
{{- define "lapwing.heapMegabytes" -}}
{{- $limit := dig "limits" "memory" "" . | toString }}
{{- if hasSuffix "Gi" $limit }}{{ mulf (trimSuffix "Gi" $limit | float64) 512 | int }}{{ else if hasSuffix "Mi" $limit }}{{ mulf (trimSuffix "Mi" $limit | float64) 0.5 | int }}{{ end }}
{{- end }}
