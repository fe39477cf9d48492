{{- define "onex.name" -}}
{{- $name := ternary .Release.Name (printf "%s-onex" .Release.Name) (contains "onex" .Release.Name) -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "onex.image" -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- define "onex.selector" -}}
app.kubernetes.io/name: onex
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "onex.labels" -}}
{{ include "onex.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "onex.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "onex.name" .) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{- define "onex.contracts" -}}
{{- if .Values.contracts.existingConfigMap }}{{ .Values.contracts.existingConfigMap -}}
{{- else if .Values.contracts.files }}{{ include "onex.name" . }}-contracts{{ end -}}
{{- end }}

{{- /* The part of a pod that its role does not change. */}}
{{- define "onex.pod" -}}
serviceAccountName: {{ include "onex.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "onex.container" -}}
image: {{ include "onex.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- /* Settings: those of all roles, those of one role (second item of the list), and the paths of secrets. */}}
{{- define "onex.environment" -}}
{{- $root := index . 0 }}
{{- $settings := merge (dict) (index . 1) $root.Values.settings }}
{{- if ne $root.Values.migrations.mode "auto" }}{{ $_ := set $settings "ONEX_DB_AUTO_MIGRATE" "false" }}{{ end }}
{{- if $root.Values.plugins.volume }}
{{- if hasKey $settings "ONEX_PLUGINS_DIR" }}{{ fail "plugins.volume sets ONEX_PLUGINS_DIR: remove it from settings" }}{{ end }}
{{- $_ := set $settings "ONEX_PLUGINS_DIR" "/app/plugins" }}
{{- end }}
{{- range $name, $value := $settings }}
{{- if has $name $root.Values.secrets.keys }}
{{- fail (printf "%s is a key of secrets.keys: remove it from settings" $name) }}
{{- end }}
{{- /* Helm reads whole numbers as floating point, which would be written as 1.048576e+06. */}}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ $value = int64 $value }}{{ end }}
- { name: {{ $name }}, value: {{ $value | toString | quote }} }
{{- end }}
{{- range $root.Values.secrets.keys }}
- { name: {{ . }}_FILE, value: /run/secrets/onex/{{ . }} }
{{- end }}
{{- end }}

{{- define "onex.mounts" -}}
- { name: secrets, mountPath: /run/secrets/onex, readOnly: true }
- { name: tmp, mountPath: /tmp }
- { name: logs, mountPath: /app/logs }
- { name: data, mountPath: /app/data }
{{- if .Values.tlsSecret }}
- { name: tls, mountPath: /etc/onex/tls, readOnly: true }
{{- end }}
{{- if include "onex.contracts" . }}
- { name: contracts, mountPath: /app/contracts, readOnly: true }
{{- end }}
{{- if .Values.plugins.volume }}
- { name: plugins, mountPath: /app/plugins, readOnly: true }
{{- end }}
{{- end }}

{{- define "onex.volumes" -}}
- name: secrets
  secret:
    secretName: {{ .Values.secrets.existingSecret | required "secrets.existingSecret names the secret with POSTGRES_PASSWORD and the others" }}
    defaultMode: 0440
    items:
    {{- range .Values.secrets.keys }}
      - { key: {{ . }}, path: {{ . }} }
    {{- end }}
- { name: tmp, emptyDir: { sizeLimit: 64Mi } }
- { name: logs, emptyDir: { sizeLimit: 64Mi } }
- { name: data, emptyDir: { sizeLimit: 64Mi } }
{{- if .Values.tlsSecret }}
- { name: tls, secret: { secretName: {{ .Values.tlsSecret }}, defaultMode: 0440 } }
{{- end }}
{{- with .Values.plugins.volume }}
- name: plugins
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if include "onex.contracts" . }}
- name: contracts
  projected:
    sources:
    {{- if .Values.contracts.existingConfigMap }}
      - configMap:
          name: {{ include "onex.contracts" . }}
          {{- with .Values.contracts.items }}
          items:
          {{- range $key, $path := . }}
            - { key: {{ $key }}, path: {{ $path }} }
          {{- end }}
          {{- end }}
    {{- else }}
      - configMap:
          name: {{ include "onex.contracts" . }}
          items:
          {{- range $path, $_ := .Values.contracts.files }}
            - { key: {{ $path | replace "/" "__" }}, path: {{ $path }} }
          {{- end }}
    {{- end }}
{{- end }}
{{- end }}
