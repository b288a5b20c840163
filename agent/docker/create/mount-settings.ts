/** Pure: the mounts of a container in Docker's terms. */
import type { HostConfig, MountSettings } from 'dockerode';
import type { Mount } from '../../../lib/documents/types';
import { EngineError } from '../engine';

type Settings = MountSettings & { BindOptions?: { NonRecursive?: boolean } };

/** @throws EngineError 'bad-mount' for what Docker has no way to say */
export function mountSettings(mounts: readonly Mount[]): Pick<HostConfig, 'Binds' | 'Mounts'> {
  // Docker creates a missing source for this old form alone.
  const isOldForm = ({ type, createHostPath }: Mount): boolean => type === 'bind' && createHostPath;
  return { Binds: mounts.filter(isOldForm).map(bindText), Mounts: mounts.filter((m) => !isOldForm(m)).map(settings) };
}

function bindText({ source, target, readOnly, propagation, nonRecursive }: Mount): string {
  if (source.includes(':') || target.includes(':'))
    throw new EngineError(
      'bad-mount',
      `Docker creates no missing host path with a colon in it (${source} at ${target}): create it, and say create_host_path: false`,
    );
  if (nonRecursive)
    throw new EngineError(
      'bad-mount',
      `Docker creates no missing host path for a mount that is not recursive (${source}): create it, and say create_host_path: false`,
    );
  const options = [...(readOnly ? ['ro'] : []), ...(propagation !== '' ? [propagation] : [])];
  return [source, target, ...(options.length > 0 ? [options.join(',')] : [])].join(':');
}

function settings(mount: Mount): Settings {
  const { type, source, target, readOnly } = mount;
  const base = { Type: type as MountSettings['Type'], Source: source, Target: target, ReadOnly: readOnly };
  if (type === 'tmpfs') return { ...base, TmpfsOptions: tmpfsOptions(mount) };
  if (type === 'bind') return { ...base, ...bindOptions(mount) };
  return { ...base, ...volumeOptions(mount) };
}

function tmpfsOptions({ tmpfsSizeBytes, tmpfsMode }: Mount): MountSettings['TmpfsOptions'] {
  return {
    ...(tmpfsSizeBytes > 0 && { SizeBytes: tmpfsSizeBytes }),
    ...(tmpfsMode > 0 && { Mode: tmpfsMode }),
  } as MountSettings['TmpfsOptions'] & object;
}

function bindOptions({ propagation, nonRecursive }: Mount): Pick<Settings, 'BindOptions'> {
  if (propagation === '' && !nonRecursive) return {};
  return {
    BindOptions: {
      ...(propagation !== '' && { Propagation: propagation }),
      ...(nonRecursive && { NonRecursive: true }),
    } as Settings['BindOptions'] & object,
  };
}

function volumeOptions(mount: Mount): Pick<Settings, 'VolumeOptions'> {
  const { noCopy, volumeDriver, volumeDriverOptions, volumeLabels, volumeSubpath } = mount;
  const hasOptions = [volumeDriverOptions, volumeLabels].some((map) => Object.keys(map).length > 0);
  if (!noCopy && volumeDriver === '' && volumeSubpath === '' && !hasOptions) return {};
  return {
    VolumeOptions: {
      NoCopy: noCopy,
      Labels: { ...volumeLabels },
      DriverConfig: { Name: volumeDriver, Options: { ...volumeDriverOptions } },
      ...(volumeSubpath !== '' && { Subpath: volumeSubpath }),
    },
  };
}
